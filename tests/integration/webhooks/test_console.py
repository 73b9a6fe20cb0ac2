"""Webhooks and their deliveries over HTTP: made, found, filtered; a stranger's look like none."""

from __future__ import annotations

from pathlib import Path

from tests.integration.gateway.rig import rigged
from tests.integration.webhooks.conftest import Hooks, until
from tests.integration.webhooks.receiver import Receiver


async def test_a_webhook_is_made_listed_changed_and_deleted(ann: Hooks) -> None:
    made = await ann.hook("HTTP://127.0.0.1:4999/a?b=c#d", "message.*", "session.connected", headers={"X-Shop": "9"})
    assert (made["url"], made["events"]) == ("http://127.0.0.1:4999/a?b=c", ["message.*", "session.connected"])
    assert (made["isActive"], made["retryPolicy"], made["ordering"]) == (True, "default", "none")
    listed = await ann.ask("GET", "/webhooks")
    assert listed == [{**made, "secret": "***"}] == [await ann.ask("GET", f"/webhooks/{made['id']}")]
    assert listed[0]["headers"] == {"X-Shop": "***"}
    path = f"/webhooks/{made['id']}"
    changed = await ann.ask("PUT", path, {"events": ["*"], "isActive": False, "secret": "***", "description": "mine"})
    assert (changed["events"], changed["isActive"], changed["description"]) == (["*"], False, "mine")
    assert changed["url"] == made["url"]
    assert await ann.ask("DELETE", path) == {"deleted": True, "id": made["id"]}
    assert (await ann.ask("GET", path, status=404))["code"] == "WEBHOOK_NOT_FOUND"
    admin = Hooks(ann.rig, await ann.rig.token("admin", "the admin's own one"))
    acts = [one["action"] for one in (await admin.ask("GET", "/audit"))["items"]]
    assert {"webhook.created", "webhook.updated", "webhook.deleted"} <= set(acts)


async def test_a_stranger_s_webhook_looks_like_none(ann: Hooks, receiver: Receiver) -> None:
    made = await ann.hook(receiver.url, "*")
    eve = Hooks(ann.rig, await ann.rig.user("eve", "+15550003"))
    assert await eve.ask("GET", "/webhooks") == []
    for id_ in (made["id"], "whk_01k0000000000000000000000"):
        for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries"), ("GET", "/stats")):
            assert (await eve.ask(method, f"/webhooks/{id_}{rest}", status=404))["code"] == "WEBHOOK_NOT_FOUND"
    await eve.hook(receiver.url, "*")
    await ann.hears("for Ann alone")
    assert len({one.event["id"] for one in await receiver.count(1)}) == 1
    assert len(receiver.got) == 1


async def test_filters_by_type_and_session_hold(ann: Hooks, receiver: Receiver) -> None:
    (session,) = await ann.ask("GET", "/sessions")
    everything = await ann.hook(f"{receiver.url}/all", "*")
    await ann.hook(f"{receiver.url}/messages", "message.*", sessionIds=[session["id"]])
    await ann.hook(f"{receiver.url}/typing", "user.typing")
    assert everything["sessionIds"] is None
    error = await ann.ask("POST", "/webhooks", {"url": receiver.url, "events": ["message.eaten"]}, 422)
    assert error["code"] == "VALIDATION_ERROR"
    body = {"url": receiver.url, "events": ["*"], "sessionIds": ["ses_01k0000000000000000000000"]}
    assert (await ann.ask("POST", "/webhooks", body, 404))["code"] == "SESSION_NOT_FOUND"
    await ann.hears("hello")
    await ann.rig.sandbox.control.act("+15550002", {"do": "type", "to": "+15550001"})
    await receiver.count(4)
    paths: dict[str, set[str]] = {}
    for one in receiver.got:
        paths.setdefault(one.path.rpartition("/")[2], set()).add(one.event["type"])
    assert paths["messages"] == {"message.received"}
    assert paths["typing"] == {"user.typing"}
    assert {"message.received", "user.typing"} <= paths["all"]


async def test_deliveries_are_listed_by_what_became_of_them(ann: Hooks, receiver: Receiver) -> None:
    receiver.answer = lambda got: 200 if "good" in got.event["data"]["text"] else 500
    hook = await ann.hook(receiver.url, "message.received", retryPolicy="none")
    path = f"/webhooks/{hook['id']}"
    for text in ("good 1", "bad", "good 2"):
        await ann.hears(text)
    await receiver.count(3)

    async def ended() -> bool | None:
        return True if (await ann.ask("GET", f"{path}/stats"))["pending"] == 0 else None

    await until(ended)
    first = await ann.ask("GET", f"{path}/deliveries?limit=2")
    assert (len(first["items"]), first["hasMore"]) == (2, True)
    rest = await ann.ask("GET", f"{path}/deliveries?limit=2&cursor={first['nextCursor']}")
    assert (len(rest["items"]), rest["hasMore"], rest["nextCursor"]) == (1, False, None)
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 3
    assert (await ann.ask("GET", f"{path}/deliveries?cursor=nonsense", status=400))["code"] == "CURSOR_INVALID"
    good = (await ann.ask("GET", f"{path}/deliveries?success=true"))["items"]
    bad = (await ann.ask("GET", f"{path}/deliveries?success=false&event=message.received"))["items"]
    assert ([one["status"] for one in good], [one["status"] for one in bad]) == ([200, 200], [500])
    assert bad[0]["state"] == "failed"
    assert (await ann.ask("GET", f"{path}/deliveries?event=user.typing"))["items"] == []
    stats = await ann.ask("GET", f"{path}/stats")
    assert (stats["delivered"], stats["failed"], stats["attempts"], stats["successRate"]) == (2, 1, 3, 0.6667)
    assert stats["meanDuration"] <= stats["slowestDuration"]
    since = "2100-01-01T00:00:00Z"
    assert (await ann.ask("GET", f"{path}/stats?since={since}"))["delivered"] == 0
    assert (await ann.ask("GET", f"{path}/deliveries?since={since}"))["items"] == []


async def test_a_recovery_is_listed_and_cancelled(ann: Hooks, receiver: Receiver) -> None:
    hook = await ann.hook(receiver.url, "message.received")
    path = f"/webhooks/{hook['id']}/recoveries"
    job = await ann.ask("POST", path, {"since": "2020-01-01T00:00:00Z"}, 202)
    assert [one["id"] for one in await ann.ask("GET", path)] == [job["id"]]
    assert (await ann.ask("DELETE", f"{path}/{job['id']}"))["state"] in {"cancelled", "done"}
    assert (await ann.ask("GET", f"{path}/rcv_01k0000000000000000000000", status=404))["code"] == "RECOVERY_NOT_FOUND"
    body = {"since": "2100-01-01T00:00:00Z"}
    assert (await ann.ask("POST", path, body, 422))["code"] == "VALIDATION_ERROR"


async def test_a_key_for_one_session_has_webhooks_of_that_session_only(ann: Hooks, receiver: Receiver) -> None:
    (session,) = await ann.ask("GET", "/sessions")
    whole = await ann.hook(receiver.url, "*")
    made = await ann.ask("POST", "/keys", {"name": "k", "scopes": ["write"], "sessionIds": [session["id"]]}, 201)
    limited = Hooks(ann.rig, {"X-API-Key": made["key"]})
    own = await limited.hook(receiver.url, "*")
    assert own["sessionIds"] == [session["id"]]
    assert [one["id"] for one in await limited.ask("GET", "/webhooks")] == [own["id"]]
    assert (await limited.ask("GET", f"/webhooks/{whole['id']}", status=404))["code"] == "WEBHOOK_NOT_FOUND"
    error = await limited.ask("PUT", f"/webhooks/{own['id']}", {"sessionIds": None}, 403)
    assert error["code"] == "FORBIDDEN"


async def test_a_repeated_request_makes_one_webhook(ann: Hooks, receiver: Receiver) -> None:
    body = {"url": receiver.url, "events": ["*"]}
    headers = {**ann.headers, "Idempotency-Key": "once"}
    made = [await ann.rig.http.post("/api/v1/webhooks", json=body, headers=headers) for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201]
    assert len(await ann.ask("GET", "/webhooks")) == 1


async def test_a_user_has_so_many_webhooks(ann: Hooks, receiver: Receiver) -> None:
    for _ in range(50):
        await ann.hook(receiver.url, "user.typing")
    error = await ann.ask("POST", "/webhooks", {"url": receiver.url, "events": ["*"]}, 409)
    assert error["code"] == "TOO_MANY_WEBHOOKS"


async def test_tests_are_limited(ann: Hooks, receiver: Receiver) -> None:
    hook = await ann.hook(receiver.url, "user.typing")
    for _ in range(30):
        await ann.ask("POST", f"/webhooks/{hook['id']}/test")
    assert (await ann.ask("POST", f"/webhooks/{hook['id']}/test", status=429))["code"] == "TOO_MANY_REQUESTS"
    assert len(receiver.got) == 30


async def test_a_header_that_is_not_a_webhook_s_is_refused(ann: Hooks) -> None:
    for headers in (
        {"Host": "other.example"},
        {"X-A": "b\r\nHost: x"},
        {"webhook-id": "1"},
        {"X-TeleFlow-Event": "1"},
        {"Authorization": "Bearer x"},
        {"Content-Length": "1"},
        {"Transfer-Encoding": "chunked"},
        {"X A": "b"},
        {"X-A": "1", "x-a": "2"},
    ):
        body = {"url": "http://127.0.0.1:4999/", "events": ["*"], "headers": headers}
        assert (await ann.ask("POST", "/webhooks", body, 422))["code"] == "HEADER_NOT_ALLOWED"


async def test_an_address_that_is_not_public_is_refused(tmp_path: Path, receiver: Receiver) -> None:
    async with rigged(tmp_path) as rig:
        ann = Hooks(rig, await rig.user("ann", "+15550001"))
        for url in (receiver.url, "http://localhost:4999/", "http://10.0.0.1/", "http://[::1]/", "http://2130706433/"):
            error = await ann.ask("POST", "/webhooks", {"url": url, "events": ["*"]}, 422)
            assert error["code"] == "URL_NOT_ALLOWED", url
    async with rigged(tmp_path / "open", webhook_allow_nets="127.0.0.0/8") as rig:
        ann = Hooks(rig, await rig.user("ann", "+15550001"))
        hook = await ann.hook(receiver.url, "*")
        assert (await ann.ask("POST", f"/webhooks/{hook['id']}/test"))["success"] is True
        error = await ann.ask("POST", "/webhooks", {"url": "http://10.0.0.1/", "events": ["*"]}, 422)
        assert error["code"] == "URL_NOT_ALLOWED"
