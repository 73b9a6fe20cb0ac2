"""What clients ask beside what they are for: facts about messages, acquaintances, and what there is none of."""

from __future__ import annotations

import datetime as dt
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world import chat_members
from tests.sandbox.chat_rig import Trio


async def test_the_author_learns_when_a_message_was_read():
    trio = Trio()
    sent = await trio.say(trio.a, trio.bob, "read me")
    ask = f.messages.GetOutboxReadDateRequest(trio.peer(trio.ann, trio.bob), sent.id)
    assert await trio.refused(trio.a, ask) == "MESSAGE_NOT_READ_YET"
    trio.rig.clock.now += 100
    trio.world.messages.read(trio.bob, trio.ann.id, 0)
    moment = int(trio.rig.clock.now)
    trio.rig.clock.now += 100
    assert (await trio.ask(trio.a, ask)).date.timestamp() == moment
    hide = f.account.SetPrivacyRequest(types.InputPrivacyKeyStatusTimestamp(), [types.InputPrivacyValueDisallowAll()])
    await trio.ask(trio.b, hide)
    assert await trio.refused(trio.a, ask) == "USER_PRIVACY_RESTRICTED"
    await trio.ask(trio.a, hide)
    assert await trio.refused(trio.a, ask) == "YOUR_PRIVACY_RESTRICTED"
    trio.rig.clock.now += 8 * 24 * 3600
    assert await trio.refused(trio.a, ask) == "MESSAGE_TOO_OLD"


async def test_days_with_messages_are_counted():
    trio = Trio()
    first = await trio.say(trio.a, trio.bob, "see https://example.org")
    trio.rig.clock.now += 24 * 3600
    for text in ("again https://example.org", "no link"):
        last = await trio.say(trio.a, trio.bob, text)
    ask = f.messages.GetSearchResultsCalendarRequest(
        trio.peer(trio.ann, trio.bob), types.InputMessagesFilterUrl(), 0, None
    )
    found = await trio.ask(trio.a, ask)
    assert (found.count, [each.count for each in found.periods]) == (2, [1, 1])
    assert found.periods[0].min_msg_id == last.id - 1
    assert found.periods[1].max_msg_id == first.id


async def test_who_may_edit_is_told_what():
    trio = Trio()
    club = trio.channel(trio.bob)
    sent = (await trio.say(trio.a, club, "text")).updates[-1].message
    ask = f.messages.GetMessageEditDataRequest(trio.peer(trio.ann, club), sent.id)
    assert not (await trio.ask(trio.a, ask)).caption
    ask.peer = trio.peer(trio.bob, club)
    assert await trio.refused(trio.b, ask) == "MESSAGE_AUTHOR_REQUIRED"


async def test_whom_somebody_writes_to_most_comes_first():
    trio = Trio()
    group = trio.group()
    for _ in range(3):
        await trio.say(trio.a, trio.eve, "hello")
    await trio.say(trio.a, trio.bob, "hello")
    await trio.say(trio.a, group, "hello")
    ask = f.contacts.GetTopPeersRequest(0, 10, 0, correspondents=True, groups=True)
    people, groups = (await trio.ask(trio.a, ask)).categories
    assert [each.peer.user_id for each in people.peers] == [trio.eve.id, trio.bob.id]
    assert [each.peer.chat_id for each in groups.peers] == [-group.id]
    assert await trio.refused(trio.a, f.contacts.GetTopPeersRequest(0, 10, 0)) == "TYPES_EMPTY"


async def test_contacts_blocks_and_birthdays():
    trio = Trio()
    bob = trio.user(trio.ann, trio.bob)
    assert await trio.refused(trio.a, f.contacts.AcceptContactRequest(bob)) == "CONTACT_REQ_MISSING"
    await trio.ask(trio.b, f.contacts.AddContactRequest(trio.user(trio.bob, trio.ann), "Ann", "", ""))
    await trio.ask(trio.a, f.contacts.AcceptContactRequest(bob))
    assert set(trio.ann.contacts) == {trio.bob.id}
    today = dt.datetime.fromtimestamp(trio.rig.clock.now, dt.UTC)
    await trio.ask(trio.b, f.account.UpdateBirthdayRequest(types.Birthday(today.day, today.month)))
    (born,) = (await trio.ask(trio.a, f.contacts.GetBirthdaysRequest())).contacts
    assert born.contact_id == trio.bob.id
    trio.rig.clock.now += 3 * 24 * 3600
    assert not (await trio.ask(trio.a, f.contacts.GetBirthdaysRequest())).contacts
    block = f.contacts.SetBlockedRequest([trio.peer(trio.ann, trio.eve)], 10)
    await trio.ask(trio.a, block)
    assert set(trio.ann.blocked) == {trio.eve.id}
    block.id = [trio.peer(trio.ann, trio.bob)]
    await trio.ask(trio.a, block)
    assert set(trio.ann.blocked) == {trio.bob.id}


async def test_reports_are_taken():
    trio = Trio()
    club = trio.channel(trio.bob, trio.eve)
    sent = (await trio.say(trio.b, club, "bad")).updates[-1].message
    peer = trio.peer(trio.ann, club)
    report = f.messages.ReportRequest(peer, [sent.id], b"", "")
    choices = await trio.ask(trio.a, report)
    assert b"other" in [each.option for each in choices.options]
    report.option = b"other"
    assert isinstance(await trio.ask(trio.a, report), types.ReportResultAddComment)
    report.message = "why"
    assert isinstance(await trio.ask(trio.a, report), types.ReportResultReported)
    spam = f.channels.ReportSpamRequest(peer, trio.peer(trio.ann, trio.bob), [sent.id])
    assert await trio.ask(trio.a, spam)
    spam.id = [sent.id + 5]
    assert await trio.refused(trio.a, spam) == "MSG_ID_INVALID"
    assert await trio.ask(trio.a, f.account.ReportPeerRequest(peer, types.InputReportReasonSpam(), "x"))
    outside = f.account.ReportPeerRequest(trio.peer(trio.eve, club), types.InputReportReasonSpam(), "x")
    chat_members.leave(trio.world, trio.eve, club)
    assert await trio.refused(trio.e, outside) == "CHANNEL_PRIVATE"


def _asked(trio: Trio) -> list[Any]:
    bob = trio.peer(trio.ann, trio.bob)
    return [
        f.messages.GetAllStickersRequest(0),
        f.messages.GetFeaturedStickersRequest(0),
        f.messages.GetFavedStickersRequest(0),
        f.messages.GetRecentStickersRequest(0),
        f.messages.GetSavedGifsRequest(0),
        f.messages.GetCustomEmojiDocumentsRequest([1]),
        f.messages.GetTopReactionsRequest(5, 0),
        f.messages.GetWebPagePreviewRequest("https://example.org"),
        f.messages.GetWebPageRequest("https://example.org", 0),
        f.messages.GetSponsoredMessagesRequest(bob),
        f.messages.GetSplitRangesRequest(),
        f.messages.SearchSentMediaRequest("", types.InputMessagesFilterDocument(), 5),
        f.stories.GetPeerStoriesRequest(bob),
        f.stories.GetAllStoriesRequest(),
        f.stories.GetPinnedStoriesRequest(bob, 0, 5),
        f.stories.GetAllReadPeerStoriesRequest(),
        f.stories.GetPeerMaxIDsRequest([bob]),
        f.channels.GetChannelRecommendationsRequest(),
        f.users.GetRequirementsToContactRequest([trio.user(trio.ann, trio.bob)]),
        f.langpack.GetLangPackRequest("x", "en"),
        f.langpack.GetStringsRequest("x", "en", ["key"]),
        f.langpack.GetLanguagesRequest("x"),
        f.langpack.GetLanguageRequest("x", "en"),
        f.help.GetCdnConfigRequest(),
        f.help.GetDeepLinkInfoRequest("x"),
        f.help.GetPromoDataRequest(),
        f.help.GetAppUpdateRequest("x"),
        f.help.GetInviteTextRequest(),
        f.help.GetSupportRequest(),
    ]


async def test_what_clients_ask_at_their_start_is_answered_in_its_form():
    trio = Trio()
    for request in _asked(trio):
        answer = await trio.ask(trio.a, request)
        name = type(request).__name__
        # of lists Telethon's requests name the vector, not what is in it
        assert isinstance(answer, list) or answer.SUBCLASS_OF_ID == request.SUBCLASS_OF_ID, name
    ranges = await trio.ask(trio.a, f.messages.GetSplitRangesRequest())
    assert [each.min_id for each in ranges] == [1]
    assert await trio.refused(trio.a, f.langpack.GetLanguageRequest("x", "tlh")) == "LANG_CODE_NOT_SUPPORTED"
