"""Invite links, requests to be let in, and the topics of forums."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telethon.errors import InviteHashExpiredError, InviteRequestSentError
from telethon.tl import functions as f

from tests.integration.v1.group_rig import ANN, BOB, EVE, Rooms, person, rooms


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with rooms(tmp_path) as made:
        yield made


async def test_a_link_lets_people_in_as_its_terms_say_until_it_is_revoked(at: Rooms) -> None:
    made = await at.ask("POST", "/chats", {"type": "supergroup", "title": "Hall"}, status=201)
    path = f"/chats/{made['chat']['id']}/invites"
    expires = int(time.time()) + 3600
    link = await at.ask("POST", path, {"title": "for two", "usageLimit": 2, "expiresAt": expires}, status=201)
    assert (link["usageLimit"], link["expiresAt"], link["usage"]) == (2, expires, 0)
    async with person(at, BOB) as bob:
        await bob(f.messages.ImportChatInviteRequest(link["hash"]))
    joined = await at.ask("GET", f"{path}/{link['hash']}/joined")
    assert [one["person"]["id"] for one in joined["data"]] == [str(at.ids["Bob"])]
    assert (await at.ask("GET", f"{path}/{link['hash']}"))["usage"] == 1
    edited = await at.ask("PATCH", f"{path}/{link['hash']}", {"title": "for one", "usageLimit": 0, "expiresAt": 0})
    assert edited["title"] == "for one"
    assert {"usageLimit", "expiresAt"}.isdisjoint(edited)
    early = await at.ask("DELETE", f"{path}/{link['hash']}", status=409)
    assert early["code"] == "INVITE_NOT_REVOKED"
    assert (await at.ask("POST", f"{path}/{link['hash']}/revoke"))["invite"]["isRevoked"] is True
    assert (await at.ask("POST", f"{path}/{link['hash']}/revoke"))["invite"]["isRevoked"] is True
    async with person(at, EVE) as eve:
        with pytest.raises(InviteHashExpiredError):
            await eve(f.messages.ImportChatInviteRequest(link["hash"]))
    assert [one["hash"] for one in (await at.ask("GET", path, revoked="true"))["data"]] == [link["hash"]]
    assert (await at.ask("DELETE", f"{path}/{link['hash']}"))["changed"] is True
    assert (await at.ask("GET", f"{path}/{link['hash']}", status=404))["code"] == "INVITE_NOT_FOUND"
    past = await at.ask("POST", path, {"expiresAt": 5}, status=422)
    assert past["code"] == "EXPIRES_INVALID"
    both = await at.ask("POST", path, {"usageLimit": 2, "byRequest": True}, status=422)
    assert both["code"] == "USAGE_LIMIT_INVALID"


async def test_links_are_paged_and_a_permanent_one_has_a_successor(at: Rooms) -> None:
    path = f"/chats/{at.chats['supergroup']}/invites"
    permanent = await at.ask("POST", path, {}, status=201)
    assert permanent["isPermanent"] is True
    for number in range(4):
        await at.ask("POST", path, {"title": f"no {number}"}, status=201)
    seen, cursor = [], ""
    while True:
        page = await at.ask("GET", path, limit=2, cursor=cursor)
        assert page["total"] == 5
        seen += [one["hash"] for one in page["data"]]
        cursor = page.get("nextCursor", "")
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 5
    revoked = await at.ask("POST", f"{path}/{permanent['hash']}/revoke")
    assert revoked["successor"]["isPermanent"] is True
    assert (await at.ask("GET", path, cursor="nonsense", status=422))["code"] == "VALIDATION_ERROR"


async def test_who_asks_to_be_let_in_is_shown_and_decided_on(at: Rooms) -> None:
    made = await at.ask("POST", "/chats", {"type": "channel", "title": "Shut"}, status=201)
    chat = made["chat"]["id"]
    link = await at.ask("POST", f"/chats/{chat}/invites", {"byRequest": True}, status=201)
    for phone in (BOB, EVE):
        async with person(at, phone) as someone:
            with pytest.raises(InviteRequestSentError):
                await someone(f.messages.ImportChatInviteRequest(link["hash"]))
    path = f"/chats/{chat}/join-requests"
    first = await at.ask("GET", path, limit=1)
    rest = await at.ask("GET", path, limit=1, cursor=first["nextCursor"])
    waiting = [one["person"]["id"] for one in (*first["data"], *rest["data"])]
    assert sorted(waiting) == sorted([str(at.ids["Bob"]), str(at.ids["Eve"])])
    assert first["total"] == 2
    assert [one["person"]["firstName"] for one in (await at.ask("GET", path, q="bo"))["data"]] == ["Bob"]
    bob, eve = at.ids["Bob"], at.ids["Eve"]
    assert (await at.ask("POST", f"{path}/{bob}/approve"))["changed"] is True
    assert (await at.ask("POST", f"{path}/{bob}/approve"))["changed"] is False
    assert (await at.ask("POST", f"{path}/{eve}/decline"))["changed"] is True
    assert (await at.ask("POST", f"{path}/{eve}/decline", status=404))["code"] == "JOIN_REQUEST_NOT_FOUND"
    inside = {one.user for one in at.world.chats.present(at.chat(chat))}
    assert inside == {at.ids["Ann"], bob}
    async with person(at, EVE) as someone:
        with pytest.raises(InviteRequestSentError):
            await someone(f.messages.ImportChatInviteRequest(link["hash"]))
    await at.ask("POST", f"{path}/approve", invite=link["hash"])
    assert eve in {one.user for one in at.world.chats.present(at.chat(chat))}
    await at.ask("POST", f"{path}/decline")


async def test_links_of_chats_of_others_are_out_of_reach(at: Rooms) -> None:
    theirs = await at.at.act(BOB, "createChannel", title="Bob's", kind="megagroup", members=[ANN])
    async with person(at, BOB) as bob:
        link = (await bob(f.messages.ExportChatInviteRequest(theirs["chatId"], title="x"))).link
    hash_ = link.rsplit("+", 1)[-1].rsplit("/", 1)[-1]
    own, foreign = f"/chats/{at.chats['supergroup']}", f"/chats/{theirs['chatId']}"
    for path in (f"{own}/invites/{hash_}", f"{own}/invites/short", f"{own}/invites/no%20hash%20at%20all"):
        assert (await at.ask("GET", path, status=404))["code"] == "INVITE_NOT_FOUND"
    refusals = [
        ("GET", f"/invites/{hash_}"),
        ("POST", f"/invites/{hash_}/revoke"),
        ("GET", "/invites"),
        ("GET", "/join-requests"),
        ("POST", "/join-requests/approve"),
        ("POST", "/invites"),
    ]
    for method, rest in refusals:
        body = {} if rest == "/invites" and method == "POST" else None
        assert (await at.ask(method, foreign + rest, body, status=403))["code"] == "CHAT_ADMIN_REQUIRED"
    for chat in ("-1009999999999", "424242"):
        assert (await at.ask("GET", f"/chats/{chat}/invites", status=404))["code"] == "PEER_NOT_FOUND"
    assert (await at.ask("GET", f"/chats/{at.ids['Bob']}/invites", status=422))["code"] == "NOT_A_GROUP"


@pytest.mark.parametrize("how", ["return_original", "error_duplicate"])
async def test_a_topic_whose_answer_was_lost_is_one_and_told(at: Rooms, how: str) -> None:
    made = await at.ask("POST", "/chats", {"type": "supergroup", "title": "Forum", "isForum": True}, status=201)
    chat = int(made["chat"]["id"])
    older = await at.ask("POST", f"/chats/{chat}/topics", {"title": "Lost"}, status=201)
    await at.at.rig.fault("random_id_repeat", None, how=how)
    await at.at.rig.fault("drop_reply_after_commit", {"method": "messages.createForumTopic", "times": 1})
    found = await at.ask("POST", f"/chats/{chat}/topics", {"title": "Lost"}, status=201)
    assert (found["title"], found["isMine"]) == ("Lost", True)
    assert found["id"] != older["id"]
    titles = [one.title for one in at.world.messages.topics.of_chat(chat)]
    assert sorted(titles) == ["General", "Lost", "Lost"]


async def test_topics_are_begun_changed_listed_and_deleted(at: Rooms) -> None:
    made = await at.ask("POST", "/chats", {"type": "supergroup", "title": "Forum", "isForum": True}, status=201)
    chat = int(made["chat"]["id"])
    path = f"/chats/{chat}/topics"
    first = await at.ask("POST", path, {"title": "First", "iconColor": 0x6FB9F0}, status=201, key="one")
    again = await at.ask("POST", path, {"title": "First", "iconColor": 0x6FB9F0}, status=201, key="one")
    assert again == first
    assert (first["title"], first["isMine"]) == ("First", True)
    for number in range(4):
        await at.ask("POST", path, {"title": f"more {number}"}, status=201)
    topics = at.world.messages.topics
    assert {one.title for one in topics.of_chat(chat)} == {"General", "First", *(f"more {n}" for n in range(4))}
    changes = {"title": "The first", "isClosed": True, "isPinned": True}
    changed = await at.ask("PATCH", f"{path}/{first['id']}", changes)
    assert (changed["title"], changed["isClosed"], changed["isPinned"]) == ("The first", True, True)
    assert await at.ask("PATCH", f"{path}/{first['id']}", changes) == changed
    assert topics.get(chat, first["id"]).closed
    seen, cursor = [], ""
    while True:
        page = await at.ask("GET", path, limit=2, cursor=cursor)
        seen += [one["title"] for one in page["data"]]
        cursor = page.get("nextCursor", "")
        if not cursor:
            break
    assert seen[0] == "The first", "pinned ones come first"
    assert len(seen) == len(set(seen)) == 6
    assert [one["title"] for one in (await at.ask("GET", path, q="more 2"))["data"]] == ["more 2"]
    hidden = await at.ask("PATCH", f"{path}/1", {"isHidden": True})
    assert (hidden["isHidden"], hidden["isGeneral"]) == (True, True)
    assert (await at.ask("DELETE", f"{path}/{first['id']}"))["changed"] is True
    assert topics.get(chat, first["id"]) is None
    for method, body in (("GET", None), ("PATCH", {"isClosed": True}), ("DELETE", None)):
        gone = await at.ask(method, f"{path}/{first['id']}", body, status=404)
        assert gone["code"] == "TOPIC_NOT_FOUND"
    plain = await at.on("supergroup", "GET", "/topics", status=409)
    assert plain["code"] == "NOT_A_FORUM"
    assert (await at.on("group", "GET", "/topics", status=409))["code"] == "NEEDS_SUPERGROUP"
