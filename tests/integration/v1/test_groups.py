"""Groups and channels set up, and who is in them: what the data centre has afterwards, and what it refuses."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.files.rig import png
from tests.integration.v1.group_rig import ANN, BOB, EVE, Rooms, person, rooms


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with rooms(tmp_path) as made:
        yield made


async def test_all_that_is_set_of_a_chat_arrives(at: Rooms) -> None:
    changes = {
        "title": "Second club",
        "about": "of all",
        "permissions": {"sendPolls": False, "sendPlain": True},
        "slowModeSeconds": 30,
        "isProtected": True,
        "joinToSend": True,
        "isForum": True,
        "username": "@second_club",
    }
    told = await at.on("supergroup", "PATCH", "", changes)
    assert (told["title"], told["about"], told["username"]) == ("Second club", "of all", "second_club")
    assert told["permissions"]["sendPolls"] is False
    club = at.chat(at.chats["supergroup"])
    assert (club.title, club.about, club.slow_mode, club.username) == ("Second club", "of all", 30, "second_club")
    assert (club.no_forwards, club.join_to_send, club.forum) == (True, True, True)
    assert "send_polls" in club.banned
    again = await at.on("supergroup", "PATCH", "", changes)
    assert again["title"] == "Second club", "what is so already is done"
    await at.on("supergroup", "PATCH", "", {"permissions": {"sendStickers": False}, "username": ""})
    assert {"send_polls", "send_stickers"} <= club.banned, "what is not named stays"
    assert club.username == ""


async def test_what_is_refused_names_its_field_and_what_is_done_already(at: Rooms) -> None:
    await at.at.act(BOB, "createChannel", title="Taken", kind="broadcast", username="taken_name")
    refused = await at.on("supergroup", "PATCH", "", {"title": "Half", "username": "taken_name"}, status=409)
    assert refused["code"] == "USERNAME_OCCUPIED"
    assert refused["details"]["field"] == "username"
    assert refused["details"]["applied"] == ["title"]
    assert at.chat(at.chats["supergroup"]).title == "Half"
    short = await at.on("supergroup", "PATCH", "", {"username": "abc"}, status=422)
    assert short["code"] == "USERNAME_INVALID"
    basic = await at.on("group", "PATCH", "", {"slowModeSeconds": 10}, status=409)
    assert basic["code"] == "NEEDS_SUPERGROUP"
    person = await at.on("private", "PATCH", "", {"title": "x"}, status=422)
    assert person["code"] == "NOT_A_GROUP"
    assert (await at.on("supergroup", "PATCH", "", {}, status=422))["code"] == "VALIDATION_ERROR"
    for wrong in (7, False, True, "30"):
        body = {"slowModeSeconds": wrong}
        assert (await at.on("supergroup", "PATCH", "", body, status=422))["code"] == "VALIDATION_ERROR"


async def test_without_the_right_nothing_changes(at: Rooms) -> None:
    theirs = await at.at.act(BOB, "createChannel", title="Bob's", kind="megagroup", members=[ANN, EVE])
    at.chat(theirs["chatId"]).banned.add("change_info")
    path = f"/chats/{theirs['chatId']}"
    eve = at.ids["Eve"]
    refusals = [
        ("PATCH", "", {"title": "Ann's"}),
        ("PATCH", "", {"username": "anns_now"}),
        ("PATCH", "", {"permissions": {"sendMedia": False}}),
        ("DELETE", "", None),
        ("DELETE", f"/members/{eve}", None),
        ("PUT", f"/admins/{eve}", {"rights": {"banUsers": True}}),
        ("PUT", f"/bans/{eve}", {}),
        ("PUT", f"/restrictions/{eve}", {"permissions": {"sendMessages": False}}),
    ]
    for method, rest, body in refusals:
        refused = await at.ask(method, path + rest, body, status=403)
        assert refused["code"] in {"CHAT_ADMIN_REQUIRED", "RIGHT_FORBIDDEN", "USER_ADMIN_INVALID"}, (rest, refused)
    chat = at.chat(theirs["chatId"])
    assert (chat.title, chat.username, chat.deleted) == ("Bob's", "", False)
    assert len(list(at.world.chats.present(chat))) == 3
    for unknown in ("-1009999999999", "-999999", "@nobody_here_at_all", "424242"):
        gone = await at.ask("PATCH", f"/chats/{unknown}", {"title": "x"}, status=404)
        assert gone["code"] == "PEER_NOT_FOUND"


async def test_members_come_and_go(at: Rooms) -> None:
    for kind in ("group", "supergroup", "channel"):
        bob = at.ids["Bob"]
        assert (await at.on(kind, "GET", f"/members/{bob}"))["role"] == "member"
        assert (await at.on(kind, "DELETE", f"/members/{bob}"))["changed"] is True
        assert bob not in {one.user for one in at.world.chats.present(at.chat(at.chats[kind]))}
        assert (await at.on(kind, "DELETE", f"/members/{bob}"))["changed"] is False
        if kind == "group":
            assert (await at.on(kind, "GET", f"/members/{bob}", status=404))["code"] == "MEMBER_NOT_FOUND"
        added = await at.on(kind, "POST", "/members", {"memberIds": [BOB, str(at.ids["Eve"])]})
        assert added == {"added": [str(bob), str(at.ids["Eve"])], "missing": []}
        assert bob in {one.user for one in at.world.chats.present(at.chat(at.chats[kind]))}
    oneself = await at.on("supergroup", "DELETE", "/members/me", status=422)
    assert oneself["code"] == "MEMBER_IS_SELF"


async def test_rights_are_given_by_name_and_taken_away(at: Rooms) -> None:
    bob = at.ids["Bob"]
    await at.on(
        "supergroup", "PUT", f"/admins/{bob}", {"rights": {"banUsers": True, "pinMessages": True}, "title": "x"}
    )
    held = at.member("supergroup", "Bob")
    assert held.admin is not None
    assert {"ban_users", "pin_messages"} <= held.admin
    assert "add_admins" not in held.admin
    told = await at.on("supergroup", "GET", f"/members/{bob}")
    assert (told["role"], told["title"], told["adminRights"]["banUsers"]) == ("admin", "x", True)
    assert (await at.on("supergroup", "DELETE", f"/admins/{bob}"))["changed"] is True
    assert at.member("supergroup", "Bob").admin is None
    assert (await at.on("supergroup", "DELETE", f"/admins/{bob}"))["changed"] is False
    none = await at.on("supergroup", "PUT", f"/admins/{bob}", {"rights": {}}, status=422)
    assert none["code"] == "RIGHTS_INVALID"
    long = await at.on(
        "supergroup", "PUT", f"/admins/{bob}", {"rights": {"banUsers": True}, "title": "x" * 17}, status=422
    )
    assert long["code"] == "VALIDATION_ERROR"
    unknown = await at.on("supergroup", "PUT", f"/admins/{bob}", {"rights": {"flyHigh": True}}, status=422)
    assert unknown["code"] == "VALIDATION_ERROR"
    await at.on("group", "PUT", f"/admins/{bob}", {})
    assert at.member("group", "Bob").admin is not None
    named = await at.on("group", "PUT", f"/admins/{bob}", {"rights": {"banUsers": True}}, status=409)
    assert named["code"] == "NEEDS_SUPERGROUP"
    entries = await at.at.rig.gateway.storage.audit_entries(limit=50, action="chat.admin_changed")
    assert entries[-1].details["rights"] == ["banUsers", "pinMessages"]


async def test_who_is_restricted_or_shut_out_is_so_until_then(at: Rooms) -> None:
    bob, until = at.ids["Bob"], int(time.time()) + 3600
    body = {"permissions": {"sendMessages": False, "sendMedia": True}, "until": until}
    assert (await at.on("supergroup", "PUT", f"/restrictions/{bob}", body))["changed"] is True
    told = await at.on("supergroup", "GET", f"/members/{bob}")
    assert (told["role"], told["until"], told["permissions"]["sendMessages"]) == ("restricted", until, False)
    assert (await at.on("supergroup", "DELETE", f"/restrictions/{bob}"))["changed"] is True
    assert (await at.on("supergroup", "DELETE", f"/restrictions/{bob}"))["changed"] is False
    await at.on("supergroup", "PUT", f"/bans/{bob}", {"until": until})
    told = await at.on("supergroup", "GET", f"/members/{bob}")
    assert (told["role"], told["until"]) == ("banned", until)
    assert (await at.on("supergroup", "DELETE", f"/restrictions/{bob}"))["changed"] is False, "the ban stays"
    assert (await at.on("supergroup", "DELETE", f"/members/{bob}"))["changed"] is False, "and so it does here"
    assert (await at.on("supergroup", "GET", f"/members/{bob}"))["role"] == "banned"
    assert (await at.on("supergroup", "DELETE", f"/bans/{bob}"))["changed"] is True
    assert (await at.on("supergroup", "DELETE", f"/bans/{bob}"))["changed"] is False
    for wrong in (1, int(time.time()) + 5, int(time.time()) + 400 * 86400):
        refused = await at.on("supergroup", "PUT", f"/bans/{bob}", {"until": wrong}, status=422)
        assert refused["code"] == "UNTIL_INVALID", "Telegram would take it for ever"
    assert (await at.on("group", "PUT", f"/bans/{bob}", {}, status=409))["code"] == "NEEDS_SUPERGROUP"


async def test_a_group_is_upgraded_linked_and_deleted(at: Rooms) -> None:
    moved = await at.on("group", "POST", "/upgrade", {})
    assert moved["type"] == "supergroup"
    assert at.chat(at.chats["group"]).migrated_to == int(moved["id"])
    assert (await at.ask("POST", f"/chats/{moved['id']}/upgrade", {}, status=409))["code"] == "ALREADY_SUPERGROUP"
    linked = await at.on("channel", "PATCH", "", {"discussionChatId": moved["id"]})
    assert linked["linkedChatId"] == moved["id"]
    assert at.chat(moved["id"]).linked == at.chats["channel"]
    await at.ask("PATCH", f"/chats/{moved['id']}", {"discussionChatId": ""})
    assert at.chat(moved["id"]).linked == at.chat(at.chats["channel"]).linked == 0
    wrong = await at.on("channel", "PATCH", "", {"discussionChatId": str(at.chats["channel"])}, status=422)
    assert wrong["code"] == "DISCUSSION_INVALID"
    assert (await at.ask("DELETE", f"/chats/{moved['id']}"))["changed"] is True
    assert at.chat(moved["id"]).deleted
    assert (await at.ask("GET", f"/chats/{moved['id']}/members/me", status=404))["code"] == "PEER_NOT_FOUND"


async def test_a_photo_is_set_seen_and_taken_away(at: Rooms) -> None:
    picture = png(300, 300)
    for kind in ("group", "supergroup"):
        path = f"/chats/{at.chats[kind]}/photo"
        url = f"/api/v1/sessions/{at.session}{path}"
        files = {"file": ("hall.png", picture, "image/png")}
        answer = await at.at.rig.http.put(url, files=files, headers=at.at.headers)
        assert answer.status_code == 200, answer.text
        file_id = answer.json()["data"]["photoFileId"]
        got = await at.at.rig.http.get(f"/api/v1/sessions/{at.session}/files/{file_id}", headers=at.at.headers)
        assert got.content == picture
        async with person(at, BOB) as bob:
            assert await bob.download_profile_photo(await bob.get_entity(at.chats[kind]), bytes) == picture
        wrong = {"file": ("hall.png", b"<svg onload=alert(1)>", "image/svg+xml")}
        answer = await at.at.rig.http.put(url, files=wrong, headers=at.at.headers)
        assert answer.status_code == 415
        assert (await at.ask("PUT", path, {"fileId": file_id}, status=422))["code"] == "VALIDATION_ERROR"
        assert (await at.ask("PUT", path, {"fileId": "A" * 120}, status=404))["code"] == "FILE_NOT_FOUND"
        assert (await at.ask("DELETE", path))["changed"] is True
        assert (await at.ask("DELETE", path))["changed"] is False
        assert at.chat(at.chats[kind]).photo == 0
