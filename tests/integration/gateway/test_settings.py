"""Variables that bound what is kept and what is asked of Telegram, each by what it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofs.wire import until
from tests.integration.gateway.clock import Ahead
from tests.integration.gateway.rig import ANN, EVE, Rig, rigged
from tests.integration.gateway.test_traces import Collector

pytestmark = pytest.mark.anyio
DAY = 86_400.0
SINCE = 4  # events that may have come since the sweep: what a start tells of its session


async def kept(rig: Rig) -> dict[str, int]:
    """How much there is of what goes by itself."""
    admin = await rig.token("admin", "the admin's own one")
    ann = await rig.token("ann")
    audit = (await rig.http.get("/api/v1/audit", headers=admin)).json()["data"]["items"]
    events = (await rig.http.get("/api/v1/events/log?limit=100", headers=ann)).json()["data"]["items"]
    sent = [one for one in events if one["type"] == "message.sent"]
    return {
        "audit": sum(one["action"] == "user.created" for one in audit),
        "events": len(sent),
        "log": len(await rig.logs(ann)),
    }


@pytest.mark.parametrize(
    ("gone", "settings"),
    [
        ("events", {"event_retention_days": 1}),
        ("log", {"log_retention_days": 1}),
        ("audit", {"audit_retention_days": 1}),
        ("", {}),
    ],
)
async def test_what_is_past_its_days_goes_and_nothing_else(gone: str, settings: dict[str, int], tmp_path: Path) -> None:
    clock = Ahead()
    async with rigged(tmp_path, clock=clock, **settings) as rig:
        ann = await rig.connected("ann", ANN)
        assert (await rig.send(ann, "one")).status_code == 200
        before = await kept(rig)
        assert min(before.values()) >= 1, before
        await rig.stop()
        clock.by = 5 * DAY  # jobs of the log stay for four at the least
        await rig.start()
        wanted = before | ({gone: 0} if gone else {})

        async def gone_as_wanted() -> bool:
            after = await kept(rig)
            assert all(after[name] >= wanted[name] for name in wanted), after
            return after == wanted

        await until(gone_as_wanted, 20)


async def test_no_more_events_are_kept_than_that(tmp_path: Path) -> None:
    async with rigged(tmp_path, event_retention_most=3) as rig:
        ann = await rig.connected("ann", ANN)
        for number in range(4):
            assert (await rig.send(ann, str(number))).status_code == 200
        await rig.stop()
        await rig.start()

        async def few() -> bool:
            headers = await rig.token("ann")
            page = (await rig.http.get("/api/v1/events/log?limit=100", headers=headers)).json()["data"]
            return len(page["items"]) <= 3 + SINCE

        await until(few, 20)


async def test_strangers_that_may_be_looked_up_in_an_hour(tmp_path: Path) -> None:
    async with rigged(tmp_path, import_budget_per_hour=1) as rig:
        ann = await rig.connected("ann", ANN)
        (session,) = (await rig.http.get("/api/v1/sessions", headers=ann)).json()["data"]
        # A data centre of before that method: only an import tells whose number it is.
        await rig.fault("rpc_error", {"method": "contacts.resolvePhone"}, name="INPUT_METHOD_INVALID", code=400)

        async def answer(phone: str) -> tuple[int, Any]:
            body = {"sessionId": session["id"], "chatId": phone, "text": "hello"}
            told = await rig.http.post("/api/v1/messages/send", headers=ann, json=body)
            return told.status_code, told.json().get("error", {}).get("code")

        assert await answer("+15550002") == (201, None)
        assert await answer(EVE) == (429, "CONTACT_BUDGET")


async def test_room_for_files_that_wait(tmp_path: Path) -> None:
    async with rigged(tmp_path, upload_spool_bytes=2**20) as rig:
        ann = await rig.connected("ann", ANN)
        (session,) = (await rig.http.get("/api/v1/sessions", headers=ann)).json()["data"]

        async def answer(size: int) -> tuple[int, Any]:
            told = await rig.http.post(
                "/api/v1/messages/media",
                headers=ann,
                data={"sessionId": session["id"], "chatId": "+15550002", "type": "document"},
                files={"file": ("a.bin", b"x" * size)},
            )
            return told.status_code, told.json().get("error", {}).get("code")

        assert await answer(2**20 + 1) == (503, "SPOOL_FULL")
        assert await answer(2**20 - 4_096) == (201, None)


@pytest.mark.parametrize("share", [0.0, 1.0])
async def test_traces_have_the_services_name_and_only_their_share_is_made(share: float, tmp_path: Path) -> None:
    collector = Collector()
    try:
        settings = {"otel_service_name": "ours", "otel_traces_sampler_arg": share}
        async with rigged(tmp_path, otel_exporter_otlp_endpoint=collector.url, **settings) as rig:
            assert (await rig.http.get("/health")).status_code == 200
            await rig.token("admin", "the admin's own one")
        names = {
            attribute.value.string_value
            for export in collector.exports
            for resource in export.resource_spans
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }
        assert names == ({"ours"} if share else set())
    finally:
        collector.stop()
