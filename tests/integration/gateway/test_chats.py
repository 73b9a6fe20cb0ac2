"""Chats over `/api/v1`, for each kind of chat; the sandbox says what really happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telethon.tl import types as tl

from teleflow.model.peers import unmarked
from teleflow.sandbox.world.records import Contact
from tests.integration.gateway.chat_rig import ANN, BOB, EVE, KINDS, Scene, scene

TYPES = {"private": "user", "group": "group", "supergroup": "supergroup", "channel": "channel"}


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "data") as made:
        yield made


async def test_the_list_has_each_kind_of_chat_and_pages(at: Scene) -> None:
    for kind in KINDS:
        await at.say(kind, f"last of {kind}", by=ANN if kind == "channel" else BOB)
    chats = {one["id"]: one for one in await at.get("/chats")}
    for kind in KINDS:
        one = chats[str(at.chats[kind])]
        assert one["type"] == TYPES[kind]
        assert one["lastMessage"]["text"] == f"last of {kind}"
        assert one["unreadCount"] == (0 if kind == "channel" else 1)
        assert (one["isArchived"], one["isPinned"], one["isMuted"], one["unreadMentions"]) == (False, False, False, 0)
        if kind != "private":
            assert one["membersCount"] == 3
    assert chats[str(at.chats["supergroup"])]["username"] == "the_club"

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        page = await at.get("/chats", limit=2, **cursor)
        rows = page["data"] if isinstance(page, dict) else page
        seen += [one["id"] for one in rows]
        if not isinstance(page, dict):
            break
        cursor = {"cursor": page["nextCursor"]}
    assert seen == list(chats), "page by page the same, in the same order"
    assert await at.get("/chats", archived="true") == []
    assert len(await at.get("/chats", archived="false")) == len(chats)
    for wrong in ("x", "AAAA", "LTEuMS4x", "*" * 10):
        assert (await at.get("/chats", status=422, cursor=wrong))["details"] == {"field": "cursor"}


async def test_the_list_is_the_same_whichever_way_it_is_asked_for(at: Scene) -> None:
    usual = f"sessionId={at.session}&limit=3"
    queries = (usual, f"limit=3&sessionId={at.session}", f"{usual}&unknown=1")
    answers = [await at.rig.http.get(f"/api/v1/chats?{query}", headers=at.headers) for query in queries]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert answers[0].headers["content-type"] == answers[1].headers["content-type"]
    strange = [f"sessionId=ses_other{more}" for more in ("", "&limit=3", "&folder=0")]
    for query in strange:
        answer = await at.rig.http.get(f"/api/v1/chats?{query}", headers=at.headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    for query in (f"sessionId={at.session}&limit=0", f"sessionId={at.session}&limit=101", "limit=3"):
        assert (await at.rig.http.get(f"/api/v1/chats?{query}", headers=at.headers)).status_code == 422


async def test_folders_are_told_and_the_archive_is_listed(at: Scene) -> None:
    ids = at.chats
    account = at.rig.sandbox.world.people.by_id[at.ids["Ann"]].account
    bob = tl.InputPeerUser(at.ids["Bob"], 1)
    club = tl.InputPeerChannel(unmarked(ids["supergroup"])[1], 1)
    group = tl.InputPeerChat(-ids["group"])
    mixed = tl.DialogFilter(
        2, tl.TextWithEntities("Work", []), [club], [bob, tl.InputPeerSelf()], [group], groups=True, exclude_muted=True
    )
    shared = tl.DialogFilterChatlist(3, tl.TextWithEntities("From a link", []), [], [club], emoticon="\U0001f4da")
    account.filters |= {each.id: bytes(each) for each in (mixed, shared)}
    none: dict[str, list[str]] = {
        name: [] for name in ("kinds", "without", "pinnedChatIds", "includedChatIds", "excludedChatIds")
    }
    assert await at.get("/chats/folders") == [
        {"id": 0, "type": "all", "title": "", **none},
        {
            "id": 2,
            "type": "custom",
            "title": "Work",
            "kinds": ["groups"],
            "without": ["muted"],
            "pinnedChatIds": [str(ids["supergroup"])],
            "includedChatIds": [str(at.ids["Bob"]), str(at.ids["Ann"])],
            "excludedChatIds": [str(ids["group"])],
        },
        {
            **none,
            "id": 3,
            "type": "shared",
            "title": "From a link",
            "emoticon": "\U0001f4da",
            "includedChatIds": [str(ids["supergroup"])],
        },
    ]

    account.archived.add(ids["group"])
    (away,) = await at.get("/chats", folder=1)
    assert (away["id"], away["folderId"], away["isArchived"]) == (str(ids["group"]), 1, True)
    main = await at.get("/chats", folder=0)
    assert main
    assert {one["folderId"] for one in main} == {0}
    assert str(ids["group"]) not in {one["id"] for one in main}
    assert await at.get("/chats", archived="true") == [away]
    assert {one["id"] for one in await at.get("/chats")} == {away["id"], *(one["id"] for one in main)}
    refused = await at.get("/chats", status=422, folder=2)
    assert refused["details"]["fields"][0]["field"] == "folder"
    assert "/chats/folders" in refused["message"]
    assert (await at.get("/chats", status=422, folder=0, archived="true"))["details"] == {"field": "folder"}


async def test_one_chat_is_described(at: Scene) -> None:
    for kind in KINDS:
        one = await at.get(f"/chats/{at.chats[kind]}")
        assert (one["id"], one["type"]) == (str(at.chats[kind]), TYPES[kind])
        if kind != "private":
            assert (one["membersCount"], one["isCreator"]) == (3, True)
        if kind in {"group", "supergroup"}:
            assert (one["permissions"]["sendMessages"], one["permissions"]["changeInfo"]) == (True, True)
    news = await at.get(f"/chats/{at.chats['channel']}")
    assert (news["title"], news["about"]) == ("News", "All of it")
    error = await at.get("/chats/-1009999999999", status=404)
    assert (error["code"], error["details"]["missing"]) == ("PEER_NOT_FOUND", "access hash")


async def test_every_way_to_name_a_chat_leads_to_it(at: Scene) -> None:
    await at.act(BOB, "rename", username="bob_here")
    club, bob = str(at.chats["supergroup"]), str(at.ids["Bob"])
    link = (await at.act(ANN, "inviteLink", chat=at.chats["group"]))["link"]
    bare = club.removeprefix("-100")
    for written, found in (
        (club, club),
        ("@The_Club", club),
        ("https://t.me/the_club/5", club),
        (f"https://t.me/c/{bare}/7", club),
        ("tg://resolve?domain=the_club", club),
        ("@bob_here", bob),
        (BOB, bob),
        ("https://t.me/" + BOB, bob),
        ("me", str(at.ids["Ann"])),
        (link, str(at.chats["group"])),
        (str(at.chats["group"]), str(at.chats["group"])),
    ):
        one = await at.get(f"/chats/{written.replace('/', '%2F').replace('?', '%3F').replace('+', '%2B')}")
        assert one["id"] == found, written
    await at.restarted()
    calls = at.calls("contacts.resolveUsername")
    assert (await at.get("/chats/@the_club"))["id"] == club
    assert at.calls("contacts.resolveUsername") == calls, "names outlive a restart"


async def test_a_failure_says_which_fact_is_missing(at: Scene) -> None:
    for written, missing in (
        ("@nobody_here", "username"),
        ("t.me%2F%2Babcdefgh1234", "membership"),
        ("-4242", "membership"),
    ):
        error = await at.get(f"/chats/{written}", status=404)
        assert (error["code"], error["details"]["missing"]) == ("PEER_NOT_FOUND", missing)


async def test_chats_that_this_process_never_saw_are_found_with_few_calls(at: Scene) -> None:
    await at.restarted()
    for kind in KINDS[2:]:
        assert (await at.get("/messages/history", chatId=at.chats[kind]))[-1]["service"]["action"] == "channel_create"
    assert at.calls("messages.getDialogs") <= 1, "one walk finds them all, if the follower has not told of them yet"


async def test_joining_and_leaving(at: Scene) -> None:
    open_ = await at.act(BOB, "createChannel", title="Open", kind="megagroup", username="open_house")
    shut = await at.act(BOB, "createChannel", title="Shut", kind="broadcast")
    gate = await at.act(BOB, "createChannel", title="Gate", kind="megagroup")
    group = await at.act(BOB, "createGroup", title="Few", members=[EVE])
    link = (await at.act(BOB, "inviteLink", chat=shut["chatId"]))["link"]
    asks = (await at.act(BOB, "inviteLink", chat=gate["chatId"], byRequest=True))["link"]
    few = (await at.act(BOB, "inviteLink", chat=group["chatId"]))["link"]

    def inside(made: dict[str, object]) -> bool:
        chats = at.rig.sandbox.world.chats
        member = chats.member(chats.by_id[made["chatId"]], at.ids["Ann"])
        return member is not None and member.inside

    for made, ref in ((open_, "@open_house"), (shut, link), (group, few)):
        id_ = str(made["chatId"])
        for _ in range(2):  # the second time she is in it already
            assert await at.post("/chats/join", chatId=ref) == {"joined": True, "chatId": id_}
        assert inside(made)
        for _ in range(2):
            assert await at.post("/chats/leave", chatId=id_) == {"left": True, "chatId": id_}
        assert not inside(made)
    asked = await at.post("/chats/join", chatId=asks)
    assert (asked["joined"], asked["requested"]) == (False, True)
    assert not inside(gate)
    assert (await at.post("/chats/join", status=404, chatId="t.me/+wrongwrongwrong"))["code"] == "INVITE_NOT_FOUND"
    assert (await at.post("/chats/join", status=422, chatId=BOB))["details"] == {"field": "chatId"}
    assert (await at.post("/chats/leave", status=422, chatId=BOB))["details"] == {"field": "chatId"}


async def test_members_have_roles_and_pages(at: Scene) -> None:
    await at.act(ANN, "promote", chat=at.chats["supergroup"], member=BOB, rank="Boss")
    await at.act(ANN, "promote", chat=at.chats["group"], member=BOB)
    ann, bob, eve = (str(at.ids[name]) for name in ("Ann", "Bob", "Eve"))
    for kind in ("group", "supergroup", "channel"):
        answer = await at.get(f"/chats/{at.chats[kind]}/members")
        roles = {one["id"]: one["role"] for one in answer["data"]}
        admin = "member" if kind == "channel" else "admin"
        assert (answer["total"], roles) == (3, {ann: "creator", bob: admin, eve: "member"}), kind
        one = await at.get(f"/chats/{at.chats[kind]}/members", limit=1, offset=1)
        assert (len(one["data"]), one["total"]) == (1, 3)
        found = await at.get(f"/chats/{at.chats[kind]}/members", query="ev")
        assert [each["firstName"] for each in found["data"]] == ["Eve"]
        admins = await at.get(f"/chats/{at.chats[kind]}/members", filter="admins")
        assert {each["id"] for each in admins["data"]} == ({ann} if kind == "channel" else {ann, bob})
    boss = (await at.get(f"/chats/{at.chats['supergroup']}/members", filter="admins"))["data"]
    assert {one.get("title") for one in boss} >= {"Boss"}
    both = await at.get(f"/chats/{at.chats['private']}/members")
    assert [one["id"] for one in both["data"]] == [bob, ann]
    await at.act(ANN, "restrict", chat=at.chats["supergroup"], member=EVE)
    await at.act(ANN, "remove", chat=at.chats["supergroup"], member=BOB)
    for wanted, who in (("restricted", eve), ("banned", bob)):
        (one,) = (await at.get(f"/chats/{at.chats['supergroup']}/members", filter=wanted))["data"]
        assert (one["id"], one["role"]) == (who, wanted)


async def test_messages_are_searched_in_a_chat_and_everywhere(at: Scene) -> None:
    for kind in KINDS:
        for number in range(3):
            await at.say(kind, f"needle {number} of {kind}")
        await at.say(kind, "hay")
    for kind in KINDS:
        found = await at.post("/chats/search", chatId=at.chats[kind], query="needle", limit=2)
        assert [one["text"] for one in found["data"]] == [f"needle {n} of {kind}" for n in (2, 1)]
        rest = await at.post("/chats/search", chatId=at.chats[kind], query="needle", offsetId=found["data"][-1]["id"])
        assert [one["text"] for one in rest["data"]] == [f"needle 0 of {kind}"]
        assert {"id", "text", "date", "senderId"} <= set(found["data"][0])
    texts: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(10):
        page = await at.post("/chats/search", query="needle", limit=5, **cursor)
        texts += [one["text"] for one in page["data"]]
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert sorted(texts) == sorted(f"needle {n} of {kind}" for kind in KINDS for n in range(3))
    await at.post("/chats/search", status=422, query="")


async def test_contacts_and_oneself(at: Scene) -> None:
    await at.rig.send(at.headers, "hello", to=EVE)
    me = await at.get(f"/sessions/{at.session}/me")
    assert (me["id"], me["firstName"], me["phone"]) == (str(at.ids["Ann"]), "Ann", ANN)
    assert await at.get("/contacts") == {"success": True, "data": [], "total": 0}
    ann = at.rig.sandbox.world.people.by_id[at.ids["Ann"]]
    ann.contacts[at.ids["Bob"]] = Contact("Bobby")
    listed = await at.get("/contacts")
    assert [(one["id"], one["firstName"]) for one in listed["data"]] == [(str(at.ids["Bob"]), "Bobby")]


async def test_a_group_that_became_a_supergroup_is_followed(at: Scene) -> None:
    old = at.chats["group"]
    await at.say("group", "before")
    assert (await at.get(f"/chats/{old}"))["type"] == "group"
    moved = await at.act(ANN, "migrate", chat=old)
    await at.act(BOB, "send", to=moved["chatId"], text="after")
    await at.restarted()
    found = await at.get("/messages/history", chatId=old, limit=1)
    assert (found[0]["chatId"], found[0]["text"]) == (str(moved["chatId"]), "after")
    assert (await at.get(f"/chats/{old}"))["id"] == str(moved["chatId"])
