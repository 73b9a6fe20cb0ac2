"""The account's own list: what is archived, pinned, muted, marked; drafts, history and folders."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telethon.tl import functions as f
from telethon.tl import types as tl

from tests.integration.v1.group_rig import ANN, BOB, Rooms, person, rooms

KINDS = ("private", "group", "supergroup", "channel")


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with rooms(tmp_path) as made:
        await made.at.say("private", "hello", by=BOB)
        yield made


async def test_a_chat_is_archived_pinned_muted_and_marked_and_back(at: Rooms) -> None:
    until = int(time.time()) + 3600
    for kind in KINDS:
        changes = {"isArchived": True, "muteUntil": until, "isMarkedUnread": True}
        told = await at.on(kind, "PATCH", "/dialog", changes)
        assert (told["isArchived"], told["muteUntil"], told["isMarkedUnread"]) == (True, until, True), kind
        assert (await at.on(kind, "PATCH", "/dialog", {"isArchived": False, "isPinned": True}))["isPinned"] is True
    async with person(at, ANN) as ann:
        dialogs = await ann(f.messages.GetPinnedDialogsRequest(0))
        assert len(dialogs.dialogs) == 4
        assert all(one.notify_settings.mute_until.timestamp() == until for one in dialogs.dialogs)
    back = {"isPinned": False, "muteUntil": 0, "isMarkedUnread": False}
    for kind in KINDS:
        told = await at.on(kind, "PATCH", "/dialog", back)
        assert (told["isPinned"], told["isMuted"], told["isMarkedUnread"]) == (False, False, False)
    assert (await at.on("group", "PATCH", "/dialog", {}, status=422))["code"] == "VALIDATION_ERROR"
    unknown = await at.ask("PATCH", "/chats/-1009999999999/dialog", {"isPinned": True}, status=404)
    assert unknown["code"] == "PEER_NOT_FOUND"


async def test_drafts_are_seen_on_the_other_devices_and_taken_back(at: Rooms) -> None:
    body = {"text": "dear **Bob**", "parseMode": "markdown"}
    assert (await at.on("private", "PUT", "/draft", body))["changed"] is True
    async with person(at, ANN) as ann:
        (seen,) = [one for one in await ann.get_drafts() if not one.is_empty]
        assert (seen.raw_text, seen.entity.id) == ("dear Bob", at.ids["Bob"])
    told = await at.on("private", "GET", "/draft")
    assert (told["text"], told["entities"][0]["type"]) == ("dear Bob", "bold")
    await at.on("supergroup", "PUT", "/draft", {"text": "later"})
    assert {one["text"] for one in await at.ask("GET", "/drafts")} == {"dear Bob", "later"}
    await at.on("private", "DELETE", "/draft")
    await at.on("private", "DELETE", "/draft")
    assert (await at.on("private", "GET", "/draft", status=404))["code"] == "DRAFT_NOT_FOUND"


async def test_history_goes_for_oneself_or_for_everybody(at: Rooms) -> None:
    theirs = await at.at.act(BOB, "createChannel", title="Bob's", kind="megagroup", members=[ANN])
    for kind in KINDS:
        await at.at.say(kind, "said")
    for kind in ("private", "group"):
        await at.on(kind, "DELETE", "/history")
        assert await at.at.get("/messages/history", chatId=at.chats[kind]) == []
    async with person(at, BOB) as bob:
        assert [one.text for one in await bob.get_messages(at.ids["Ann"])] == ["said"]
        await at.on("private", "DELETE", "/history", forEveryone="true")
    last = await at.at.say("supergroup", "kept")
    await at.on("supergroup", "DELETE", "/history", forEveryone="true", upTo=last - 1)
    assert [one.text for one in at.at.history_of("supergroup") if not one.action] == ["kept"]
    refused = await at.ask("DELETE", f"/chats/{theirs['chatId']}/history", forEveryone="true", status=403)
    assert refused["code"] == "CHAT_ADMIN_REQUIRED"
    entries = await at.at.rig.gateway.storage.audit_entries(limit=50, action="chat.history_deleted")
    assert len(entries) == 5


async def test_folders_are_made_changed_ordered_and_deleted(at: Rooms) -> None:
    body = {"title": "Work", "kinds": ["groups"], "without": ["muted"], "pinnedChatIds": [str(at.chats["channel"])]}
    first = await at.ask("POST", "/folders", body, status=201, key="one")
    second = await at.ask("POST", "/folders", {"title": "Bob", "includedChatIds": [BOB]}, status=201)
    assert (first["id"], second["id"]) == (2, 3)
    assert await at.ask("POST", "/folders", body, status=201, key="one") == first
    listed = await at.at.get("/chats/folders")
    assert [one for one in listed if one["type"] == "custom"] == [first, second]
    async with person(at, ANN) as ann:
        found = [one for one in (await ann(f.messages.GetDialogFiltersRequest())).filters if hasattr(one, "id")]
    assert isinstance(found[0], tl.DialogFilter)
    assert (found[0].title.text, found[0].groups, found[0].exclude_muted) == ("Work", True, True)
    ordered = await at.ask("PUT", "/folder-order", {"folderIds": [3, 2]})
    assert [one["id"] for one in ordered if one["type"] == "custom"] == [3, 2]
    saved = await at.ask("PUT", "/folders/3", {"title": "Bobs", "includedChatIds": [BOB], "kinds": ["bots"]})
    assert (saved["title"], saved["kinds"]) == ("Bobs", ["bots"])
    assert (await at.ask("DELETE", "/folders/3"))["changed"] is True
    for method, path, sent in (
        ("DELETE", "/folders/3", None),
        ("PUT", "/folders/9", body),
        ("PUT", "/folder-order", {"folderIds": [3, 2]}),
    ):
        assert (await at.ask(method, path, sent, status=404))["code"] == "FOLDER_NOT_FOUND"
    assert (await at.ask("POST", "/folders", {"title": "Empty"}, status=422))["code"] == "FOLDER_EMPTY"
    stranger = {"title": "No", "includedChatIds": ["-1009999999999"]}
    assert (await at.ask("POST", "/folders", stranger, status=404))["code"] == "PEER_NOT_FOUND"
