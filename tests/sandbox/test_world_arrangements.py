"""What is arranged around messages outlives a restart; what is found in texts is found where it is."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.detect import detected
from teleflow.sandbox.world.control import WorldControl
from teleflow.sandbox.world.world import World
from tests.sandbox.chat_rig import Trio


def _found(text, marked=()):
    wide = text.encode("utf-16-le")
    return [
        (type(each).__name__.removeprefix("MessageEntity"), wide[2 * each.offset : 2 * (each.offset + each.length)])
        for each in detected(text, marked)
    ]


def test_what_telegram_finds_in_a_text_by_itself():
    text = "😀 see https://a.example/x, mail bob@mail.example.org or @bob_here #tag $USD /start@some_bot +12025550123"
    expected = {
        "Url": "https://a.example/x",
        "Email": "bob@mail.example.org",
        "Mention": "@bob_here",
        "Hashtag": "#tag",
        "Cashtag": "$USD",
        "BotCommand": "/start@some_bot",
        "Phone": "+12025550123",
    }
    assert dict(_found(text)) == {kind: each.encode("utf-16-le") for kind, each in expected.items()}
    assert _found("either/or, 3.14, a@b, #1, end.") == []
    code = types.MessageEntityCode(0, 9)
    assert _found("@bob_here", [code]) == [], "nothing is found in code"


async def test_pins_mentions_reactions_and_what_waits_outlive_a_restart(tmp_path):
    trio = Trio()
    control = WorldControl(trio.world, directory=tmp_path)
    for person in (trio.ann, trio.bob):
        trio.world.keep(person)
    trio.world.set_username(trio.bob, "bob_here")
    club = trio.channel(trio.bob)
    number = (await trio.say(trio.a, club, "hello @bob_here")).updates[0].id
    here, there = trio.peer(trio.ann, club), trio.peer(trio.bob, club)
    await trio.ask(trio.a, f.messages.UpdatePinnedMessageRequest(here, number))
    await trio.ask(trio.b, f.messages.SendReactionRequest(there, number, reaction=[types.ReactionEmoji("🔥")]))
    await trio.ask(trio.b, f.messages.SaveDraftRequest(there, "half"))
    later = int(trio.rig.clock.now) + 900
    await trio.say(trio.b, trio.ann, "later", schedule_date=later)
    control.close()

    again = World(clock=trio.rig.clock, seed=7)
    other = WorldControl(again, directory=tmp_path)
    other.load()
    marks = again.messages.marks
    assert marks.pinned(club.id, club.id) == [number]
    assert (marks.mentions(trio.bob.id, club.id), marks.reactions(trio.ann.id, club.id)) == ([number], [number])
    assert list(again.people.by_id[trio.bob.id].account.drafts) == [club.id]
    (waiting,) = again.scheduled.of_chat(trio.bob.id, trio.ann.id)
    assert (waiting.text, waiting.date) == ("later", later)
    ann = again.people.by_id[trio.ann.id]
    again.messages.delete_posts(ann, again.chats.by_id[club.id], [number])
    assert (marks.pinned(club.id, club.id), marks.mentions(trio.bob.id, club.id)) == ([], [])
    other.close()


async def test_an_archived_dialog_is_listed_in_its_folder_and_told_by_pts():
    trio = Trio()
    await trio.say(trio.a, trio.bob, "hi")
    peer = types.InputFolderPeer(trio.peer(trio.ann, trio.bob), 1)
    before = trio.world.messages.box(trio.ann.id).pts
    answer = await trio.ask(trio.a, f.folders.EditPeerFoldersRequest([peer]))
    assert (answer.updates[0].folder_peers[0].folder_id, answer.updates[0].pts) == (1, before + 1)
    missed = await trio.rig.difference(trio.a, before)
    assert isinstance(missed.other_updates[0], types.UpdateFolderPeers)
    peer.folder_id = 7
    assert await trio.refused(trio.a, f.folders.EditPeerFoldersRequest([peer])) == "FOLDER_ID_INVALID"
