"""What clients ask beside what they are for: the administrators' log, facts about messages, and empty shelves."""

from __future__ import annotations

import time
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import case, same, true
from proofs.methods.house import House


@case(f.channels.GetAdminLogRequest)
async def the_log_tells_who_did_what(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob, title="Club")
    channel = await ann.channel(club)
    await ann(f.channels.EditTitleRequest(channel, "Other"))
    only = types.ChannelAdminLogEventsFilter(info=True)
    (event,) = (await ann(f.channels.GetAdminLogRequest(channel, "", 0, 0, 10, events_filter=only))).events
    same((event.user_id, event.action.prev_value, event.action.new_value), (ann.id, "Club", "Other"))


@case(
    f.messages.GetOutboxReadDateRequest,
    f.messages.GetMessageEditDataRequest,
    f.messages.GetSearchResultsCalendarRequest,
    f.contacts.GetTopPeersRequest,
    f.messages.ReportRequest,
    f.messages.ReportSpamRequest,
    f.account.ReportPeerRequest,
)
async def a_message_is_read_counted_and_reported(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    sent = await ann.say(bob, "https://example.org")
    peer, back = await ann.peer(bob), await bob.peer(ann)
    same((await ann(f.messages.GetMessageEditDataRequest(peer, sent.id))).caption, False)
    await bob(f.messages.ReadHistoryRequest(back, 0))
    read = await ann(f.messages.GetOutboxReadDateRequest(peer, sent.id))
    true(abs(read.date.timestamp() - time.time()) < 60, "read just now")
    days = await ann(f.messages.GetSearchResultsCalendarRequest(peer, types.InputMessagesFilterUrl(), 0, None))
    same([(each.count, each.min_msg_id) for each in days.periods], [(1, sent.id)])
    (top,) = (await ann(f.contacts.GetTopPeersRequest(0, 5, 0, correspondents=True))).categories
    same([each.peer.user_id for each in top.peers], [bob.id])
    reasons = await ann(f.messages.ReportRequest(peer, [sent.id], b"", ""))
    done = await ann(f.messages.ReportRequest(peer, [sent.id], reasons.options[0].option, ""))
    true(isinstance(done, types.ReportResultReported), "reported")
    same(await ann(f.messages.ReportSpamRequest(peer)), True)
    same(await ann(f.account.ReportPeerRequest(peer, types.InputReportReasonSpam(), "")), True)


@case(f.channels.ReportSpamRequest)
async def spam_in_a_group_is_reported(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    sent = await bob.say(club, "buy this")
    report = f.channels.ReportSpamRequest(await ann.channel(club), await ann.peer(bob), [sent.id])
    same(await ann(report), True)


@case(
    f.contacts.AcceptContactRequest,
    f.contacts.SetBlockedRequest,
    f.contacts.GetBirthdaysRequest,
    f.users.GetRequirementsToContactRequest,
)
async def acquaintances_are_accepted_and_shut_out(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await bob(f.contacts.AddContactRequest(await bob.user(ann), "Ann", "", ""))
    user, peer = await ann.user(bob), await ann.peer(bob)
    same((await ann(f.contacts.AcceptContactRequest(user))).users[0].mutual_contact, True)
    now = time.gmtime()
    await bob(f.account.UpdateBirthdayRequest(types.Birthday(now.tm_mday, now.tm_mon)))
    same([each.contact_id for each in (await ann(f.contacts.GetBirthdaysRequest())).contacts], [bob.id])
    (needed,) = await ann(f.users.GetRequirementsToContactRequest([user]))
    true(isinstance(needed, types.RequirementToContactEmpty), "nothing is asked for")
    await ann(f.contacts.SetBlockedRequest([peer], 10))
    same([each.peer_id.user_id for each in (await ann(f.contacts.GetBlockedRequest(0, 10))).blocked], [bob.id])
    await ann(f.contacts.SetBlockedRequest([], 10))
    same((await ann(f.contacts.GetBlockedRequest(0, 10))).blocked, [])


@case(
    f.messages.GetAllStickersRequest,
    f.messages.GetMaskStickersRequest,
    f.messages.GetEmojiStickersRequest,
    f.messages.GetFeaturedStickersRequest,
    f.messages.GetFavedStickersRequest,
    f.messages.GetRecentStickersRequest,
    f.messages.GetSavedGifsRequest,
    f.messages.GetCustomEmojiDocumentsRequest,
    f.messages.SearchSentMediaRequest,
    f.channels.GetChannelRecommendationsRequest,
)
async def shelves_are_empty(house: House) -> None:
    ann = await house.new("Ann")
    asked: list[tuple[Any, str]] = [
        (f.messages.GetAllStickersRequest(0), "sets"),
        (f.messages.GetMaskStickersRequest(0), "sets"),
        (f.messages.GetEmojiStickersRequest(0), "sets"),
        (f.messages.GetFeaturedStickersRequest(0), "sets"),
        (f.messages.GetFavedStickersRequest(0), "stickers"),
        (f.messages.GetRecentStickersRequest(0), "stickers"),
        (f.messages.GetSavedGifsRequest(0), "gifs"),
        (f.messages.SearchSentMediaRequest("", types.InputMessagesFilterDocument(), 5), "messages"),
        (f.channels.GetChannelRecommendationsRequest(), "chats"),
    ]
    for request, name in asked:
        same(getattr(await ann(request), name), [], type(request).__name__)
    same(len(await ann(f.messages.GetCustomEmojiDocumentsRequest([1]))), 0)


@case(f.stories.GetAllReadPeerStoriesRequest)
async def nothing_is_told_of_what_was_seen(house: House) -> None:
    ann = await house.new("Ann")
    same((await ann(f.stories.GetAllReadPeerStoriesRequest())).updates, [])


@case(
    f.messages.GetTopReactionsRequest,
    f.messages.GetWebPagePreviewRequest,
    f.messages.GetWebPageRequest,
    f.messages.GetSponsoredMessagesRequest,
    f.messages.GetSplitRangesRequest,
    f.help.GetPromoDataRequest,
    f.help.GetAppUpdateRequest,
    f.help.GetInviteTextRequest,
    f.help.GetSupportRequest,
    f.help.GetCdnConfigRequest,
    f.help.GetDeepLinkInfoRequest,
)
async def a_client_starts(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    same(len((await ann(f.messages.GetTopReactionsRequest(5, 0))).reactions), 5)
    preview = await ann(f.messages.GetWebPagePreviewRequest("https://example.org"))
    true(isinstance(preview.media, types.MessageMediaEmpty), "no preview")
    page = await ann(f.messages.GetWebPageRequest("https://example.org", 0))
    same(page.webpage.url, "https://example.org")
    ads = await ann(f.messages.GetSponsoredMessagesRequest(await ann.peer(bob)))
    true(isinstance(ads, types.messages.SponsoredMessagesEmpty), "no advertisements")
    same([each.min_id for each in await ann(f.messages.GetSplitRangesRequest())], [1])
    true(isinstance(await ann(f.help.GetPromoDataRequest()), types.help.PromoDataEmpty), "no promotion")
    true(isinstance(await ann(f.help.GetAppUpdateRequest("")), types.help.NoAppUpdate), "no update")
    true((await ann(f.help.GetInviteTextRequest())).message, "a text")
    same((await ann(f.help.GetSupportRequest())).user.support, True)
    same((await ann(f.help.GetCdnConfigRequest())).public_keys, [])
    true(isinstance(await ann(f.help.GetDeepLinkInfoRequest("x")), types.help.DeepLinkInfoEmpty), "an unknown link")


@case(
    f.langpack.GetLangPackRequest,
    f.langpack.GetDifferenceRequest,
    f.langpack.GetStringsRequest,
    f.langpack.GetLanguagesRequest,
    f.langpack.GetLanguageRequest,
)
async def nothing_is_translated(house: House) -> None:
    ann = await house.new("Ann")
    same((await ann(f.langpack.GetLangPackRequest("x", "en"))).strings, [])
    same((await ann(f.langpack.GetDifferenceRequest("x", "en", 3))).from_version, 3)
    same([each.key for each in await ann(f.langpack.GetStringsRequest("x", "en", ["one"]))], ["one"])
    same([each.lang_code for each in await ann(f.langpack.GetLanguagesRequest("x"))], ["en"])
    same((await ann(f.langpack.GetLanguageRequest("x", "en"))).lang_code, "en")
