"""What a node counts of itself, as Prometheus reads it; and whether it is ready."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed

from tests.integration.gateway.rig import ANN, Rig, rigged

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path) as made:
        yield made


async def _admin(rig: Rig) -> dict[str, str]:
    return await rig.token("admin", "the admin's own one")


async def _values(rig: Rig) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await rig.http.get("/metrics", headers=await _admin(rig))
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parsed(answer.text)
        for sample in family.samples
    }


async def test_sends_requests_events_and_sessions_are_counted(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "one")
    await rig.send(ann, "two")
    await rig.fault("flood", {"method": "messages.sendMessage"}, seconds=70)
    await rig.send(ann, "three")
    told = await _values(rig)
    assert told["teleflow_send_duration_seconds_count", (("outcome", "sent"),)] == 2
    requests = (("method", "POST"), ("route", "/send"), ("status", "200"))
    assert told["teleflow_http_requests_total", requests] >= 2
    assert told["teleflow_http_request_duration_seconds_count", requests[:2]] >= 2
    assert told["teleflow_sessions", (("state", "online"),)] == 1
    assert told["teleflow_events_logged_total", ()] >= 2
    assert told["teleflow_flood_waits_total", (("method", "messages.sendMessage"),)] == 1
    assert told["teleflow_flood_wait_seconds_total", (("method", "messages.sendMessage"),)] == 70
    assert told["teleflow_database_duration_seconds_count", (("kind", "write"),)] > 5
    assert told["teleflow_up", ()] == 1
    assert told["process_resident_memory_bytes", ()] > 1e6


async def test_no_label_is_a_callers_word(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    for path in ("/api/v1/chats/@somebody", "/nothing/here", "/api/v1/sessions/ses_unknown", "/api/v1/tl/methods/x.y"):
        await rig.http.get(path, headers=ann)
    await rig.http.request("BREW", "/health", headers=ann)
    text = (await rig.http.get("/metrics", headers=await _admin(rig))).text
    for word in ("somebody", "nothing/here", "ses_unknown", "x.y", "BREW", ANN.lstrip("+"), "ann"):
        assert f'"{word}' not in text
        assert f"/{word}" not in text
    assert 'route="/api/v1/chats/{id:path}"' in text
    assert 'route="none"' in text


async def test_only_admins_are_told(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    assert (await rig.http.get("/metrics")).status_code == 401
    assert (await rig.http.get("/metrics", headers=ann)).status_code == 403
    admin = await _admin(rig)
    made = await rig.http.post("/api/v1/keys", headers=admin, json={"name": "prometheus", "scopes": ["read", "admin"]})
    key = {"X-API-Key": made.json()["data"]["key"]}
    assert (await rig.http.get("/metrics", headers=key)).status_code == 200
    assert (await rig.http.get("/api/v1/system/history", headers=ann)).status_code == 403


async def test_openmetrics_where_it_is_asked_for(rig: Rig) -> None:
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    answer = await rig.http.get("/metrics", headers={**await _admin(rig), **accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in openmetrics(answer.text)} >= {
        "teleflow_sessions",
        "teleflow_send_duration_seconds",
    }


async def test_a_port_of_its_own(rig: Rig) -> None:
    transport = httpx2.ASGITransport(app=rig.gateway.metrics_app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://metrics") as own:
        assert "teleflow_sessions" in (await own.get("/metrics")).text
        assert (await own.get("/ready")).json() == {"database": "ok", "telegram": "ok"}
        assert (await own.get("/api/v1/sessions")).status_code == 404
        assert (await own.post("/metrics")).status_code == 405


async def test_ready_while_what_is_needed_answers(rig: Rig) -> None:
    answer = await rig.http.get("/ready")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {"database": {"ok": True}, "telegram": {"ok": True}}


async def test_not_ready_without_a_data_centre(tmp_path: Path) -> None:
    async with rigged(tmp_path) as made:
        await made.stop()
        made._settings["telegram_dc"] = f"{made.sandbox.dc_id}@127.0.0.1:9"  # nobody is there
        await made.start()
        answer = await made.http.get("/ready")
        told: dict[str, Any] = answer.json()
        assert answer.status_code == 503
        assert told["error"]["code"] == "NOT_READY"
        assert told["checks"]["telegram"] == {"ok": False, "cause": "REFUSED"}
        assert told["checks"]["database"]["ok"]


async def test_history_for_charts(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    metrics = rig.gateway.services.metrics
    await metrics.sample()
    await rig.send(ann, "one")
    await rig.settled(ann)
    await metrics.sample()
    answer = await rig.http.get("/api/v1/system/history", headers=await _admin(rig))
    last = answer.json()["data"][-1]
    assert last["sends"] == 1
    assert last["events"] >= 1
    assert last["requests"] >= 1
    assert last["sessions"] == {"online": 1}
