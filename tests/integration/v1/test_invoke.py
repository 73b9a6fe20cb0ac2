"""Any method by its name: what it does, who may, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.chat_rig import V1, Scene, scene


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


async def invoke(at: Scene, method: str, *, status: int = 200, headers: Any = None, **params: Any) -> Any:
    answer = await at.rig.http.post(
        f"{V1}/sessions/{at.session}/invoke",
        json={"method": method, "params": params},
        headers={**at.headers, **(headers or {})},
    )
    told = at.read(answer, status)
    return told["result"] if status == 200 else told


async def test_methods_are_called_by_their_names_and_peers_by_refs(at: Scene) -> None:
    club = at.chats["supergroup"]
    me = await invoke(at, "users.getUsers", id=[{"_": "inputUserSelf"}])
    assert [one["_"] for one in me] == ["user"]
    assert me[0]["id"] == str(at.ids["Ann"])
    full = await invoke(at, "channels.getFullChannel", channel="@the_club")
    assert full["full_chat"]["_"] == "channelFull"
    sent = await invoke(at, "messages.sendMessage", peer=club, message="by its name", silent=True)
    assert sent["_"] == "updates"
    assert at.history_of("supergroup")[-1].text == "by its name"
    dialogs = await invoke(at, "messages.getPeerDialogs", peers=["@the_club", str(at.chats["private"])])
    assert len(dialogs["dialogs"]) == 2


async def test_a_send_that_comes_again_with_its_random_id_is_one(at: Scene) -> None:
    before = len(at.history_of("supergroup"))
    for _ in range(2):
        answer = await at.rig.http.post(
            f"{V1}/sessions/{at.session}/invoke",
            json={"method": "messages.sendMessage", "params": {"peer": "@the_club", "message": "x", "random_id": "77"}},
            headers=at.headers,
        )
        assert answer.status_code in {200, 409, 502}, answer.text
    assert len(at.history_of("supergroup")) == before + 1


async def test_what_is_written_is_in_the_audit_log_without_its_parameters(at: Scene) -> None:
    await invoke(at, "messages.getPeerSettings", peer="@the_club")
    await invoke(at, "account.updateProfile", about="a secret about")
    entries = await at.rig.gateway.storage.audit_entries(limit=50, action="session.method_invoked")
    assert [entry.details["method"] for entry in entries] == ["account.updateProfile"]
    assert "secret" not in str(entries)


@pytest.mark.parametrize(
    ("method", "params", "status", "code"),
    [
        ("messages.getNothing", {}, 404, "METHOD_NOT_FOUND"),
        ("getUsers", {}, 404, "METHOD_NOT_FOUND"),
        ("invokeWithLayer", {}, 404, "METHOD_NOT_FOUND"),
        ("auth.logOut", {}, 403, "METHOD_REFUSED"),
        ("auth.bindTempAuthKey", {}, 403, "METHOD_REFUSED"),
        ("destroyAuthKey", {}, 403, "METHOD_REFUSED"),
        ("messages.sendMessage", {"peer": "me", "message": "x", "allow_paid_stars": 9}, 403, "METHOD_FORBIDDEN"),
        ("account.deleteAccount", {"reason": "x"}, 403, "METHOD_FORBIDDEN"),
        ("channels.deleteChannel", {"channel": "@the_club"}, 403, "METHOD_FORBIDDEN"),
        ("messages.getHistory", {"peer": "@the_club"}, 422, "VALIDATION_ERROR"),
        ("messages.readMentions", {"peer": "@nobody_here"}, 404, "PEER_NOT_FOUND"),
        ("channels.getFullChannel", {"channel": "me"}, 422, "VALIDATION_ERROR"),
        ("messages.readMentions", {"peer": "\x00"}, 422, "VALIDATION_ERROR"),
        ("messages.viewSponsoredMessage", {}, 422, "VALIDATION_ERROR"),
    ],
)
async def test_what_can_not_be_called_is_told_why(
    at: Scene, method: str, params: dict[str, Any], status: int, code: str
) -> None:
    error = await invoke(at, method, status=status, **params)
    assert error["code"] == code
    assert at.calls(method) == 0


async def test_the_scopes_of_a_key_are_the_classes_of_methods(at: Scene) -> None:
    made = await at.rig.http.post(f"{V1}/keys", json={"name": "reader", "scopes": ["read"]}, headers=at.headers)
    key = {"X-API-Key": made.json()["data"]["key"], "Authorization": ""}
    path = f"{V1}/sessions/{at.session}/invoke"
    headers = {"X-API-Key": key["X-API-Key"]}
    reads = {"method": "users.getUsers", "params": {"id": ["me"]}}
    writes = {"method": "account.updateProfile", "params": {"about": "x"}}
    assert (await at.rig.http.post(path, json=reads, headers=headers)).status_code == 200
    refused = await at.rig.http.post(path, json=writes, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "METHOD_FORBIDDEN")


async def test_the_layer_is_told_as_json_schema(at: Scene) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await at.rig.http.get(f"{V1}/tl/methods", params={"limit": 200, "cursor": cursor}, headers=at.headers)
        seen += [one["name"] for one in answer.json()["data"]]
        cursor = answer.json().get("nextCursor", "")
        if not cursor:
            break
    assert len(seen) == len(set(seen)) > 700
    one = await at.get("/tl/methods/messages.sendMessage")
    assert (one["class"], one["returns"]) == ("write", "Updates")
    assert set(one["schema"]["required"]) == {"peer", "message"}
    found = (await at.get("/tl/types", q="inputpeer"))[0]
    assert found["name"] == "InputPeer"
    shown = await at.get("/tl/types/InputPeer")
    assert {form["title"] for form in shown["schema"]["oneOf"]} >= {"inputPeerSelf", "inputPeerUser"}
    assert (await at.get("/tl/types/NoSuch", status=404))["code"] == "TYPE_NOT_FOUND"
    assert (await at.get("/tl/methods/no.such", status=404))["code"] == "METHOD_NOT_FOUND"


async def test_what_telegram_says_and_nobody_knows_is_502_with_its_name(at: Scene) -> None:
    await at.rig.fault("rpc_error", {"method": "help.getConfig"}, name="SOMETHING_NEW_INVALID", code=400)
    error = await invoke(at, "help.getConfig", status=502)
    assert error["code"] == "TELEGRAM_ERROR"
    assert "SOMETHING_NEW_INVALID" in str(error)
    assert (await invoke(at, "users.getUsers", id=[{"_": "inputUserSelf"}]))[0]["_"] == "user"  # and nothing else ends


async def test_a_key_makes_one_call_of_many(at: Scene) -> None:
    """With an Idempotency-Key the call goes another way inside, and does the same."""
    before = len(at.history_of("supergroup"))
    key = {"Idempotency-Key": "one"}
    first = await invoke(at, "messages.sendMessage", peer="@the_club", message="once", headers=key)
    assert await invoke(at, "messages.sendMessage", peer="@the_club", message="once", headers=key) == first
    assert len(at.history_of("supergroup")) == before + 1


@pytest.mark.parametrize("how", ["return_original", "error_duplicate"])
async def test_a_service_that_died_before_it_answered_sends_nothing_twice(at: Scene, how: str) -> None:
    """The process ends between Telegram's act and the kept answer; the same request comes again."""
    before = len(at.history_of("supergroup"))
    rule = await at.rig.fault("drop_reply_after_commit", {"method": "messages.sendMessage"})
    call = {"method": "messages.sendMessage", "params": {"peer": "@the_club", "message": "once, whatever happens"}}
    path, key = f"{V1}/sessions/{at.session}/invoke", {"Idempotency-Key": "one"}
    asking = asyncio.create_task(at.rig.http.post(path, json=call, headers=at.headers | key))
    async with asyncio.timeout(30):
        while len(at.history_of("supergroup")) == before:
            await asyncio.sleep(0.01)
    asking.cancel()
    await at.rig.crash()
    await asyncio.gather(asking, return_exceptions=True)
    await at.rig.sandbox.dc.remove_fault(rule.number)
    await at.rig.fault("random_id_repeat", None, how=how)
    await at.rig.start()
    headers = await at.rig.token("ann") | key
    async with asyncio.timeout(30):
        while (answer := await at.rig.http.post(path, json=call, headers=headers)).status_code == 503:
            await asyncio.sleep(0.05)
    if how == "return_original":
        assert at.read(answer, 200)["result"]["_"] == "updates"
    else:
        assert at.read(answer, 409)["code"] == "ALREADY_DONE"
    assert [one.text for one in at.history_of("supergroup")[before:]] == ["once, whatever happens"]


async def test_a_body_that_is_no_object_is_refused_in_the_callers_words(at: Scene) -> None:
    path = f"{V1}/sessions/{at.session}/invoke"
    answer = await at.rig.http.post(path, json=[], headers=at.headers)
    assert at.read(answer, 422)["details"]["fields"] == [{"field": "body", "message": "must be an object"}]
    pages = await at.rig.http.get(f"{V1}/tl/methods?limit=1e1", headers=at.headers)
    assert at.read(pages, 422)["details"]["fields"][0]["message"] == "must be a whole number in digits"
