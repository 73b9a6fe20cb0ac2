"""Shelves that are empty here, acquaintance between people, and facts about messages."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import case, same, true
from proofs.methods.house import House


@case(
    f.messages.GetAllStickersRequest,
    f.messages.GetMaskStickersRequest,
    f.messages.GetEmojiStickersRequest,
    f.messages.GetFavedStickersRequest,
    f.messages.GetRecentStickersRequest,
    f.messages.GetSavedGifsRequest,
    f.messages.GetFeaturedStickersRequest,
)
async def there_are_no_stickers(house: House) -> None:
    (ann,) = await house.cast("Ann")
    for request in (f.messages.GetAllStickersRequest, f.messages.GetMaskStickersRequest):
        same((await ann(request(0))).sets, [])
    same((await ann(f.messages.GetEmojiStickersRequest(0))).sets, [])
    same((await ann(f.messages.GetFeaturedStickersRequest(0))).sets, [])
    same((await ann(f.messages.GetFavedStickersRequest(0))).stickers, [])
    same((await ann(f.messages.GetRecentStickersRequest(0))).stickers, [])
    same((await ann(f.messages.GetSavedGifsRequest(0))).gifs, [])


@case(f.help.GetSupportRequest, f.help.GetInviteTextRequest, f.help.GetCdnConfigRequest, f.help.GetPromoDataRequest)
async def what_a_client_asks_at_its_start(house: House) -> None:
    (ann,) = await house.cast("Ann")
    true((await ann(f.help.GetSupportRequest())).user.id, "somebody of the support")
    true((await ann(f.help.GetInviteTextRequest())).message, "a text")
    same((await ann(f.help.GetCdnConfigRequest())).public_keys, [])
    same(type(await ann(f.help.GetPromoDataRequest())), types.help.PromoDataEmpty)


@case(f.contacts.GetBirthdaysRequest, f.messages.GetOutboxReadDateRequest, f.messages.GetMessageEditDataRequest)
async def facts_about_people_and_messages(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    message = await ann.say(bob, "hello")
    same((await ann(f.contacts.GetBirthdaysRequest())).contacts, [])
    same((await ann(f.messages.GetMessageEditDataRequest(await ann.peer(bob), message.id))).caption, False)
    await bob(f.messages.ReadHistoryRequest(await bob.peer(ann), 0))
    read = await ann(f.messages.GetOutboxReadDateRequest(await ann.peer(bob), message.id))
    true(read.date >= message.date, "read after it was written")


@case(f.account.ReportPeerRequest, f.messages.ReportSpamRequest)
async def somebody_is_reported(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await bob.say(ann, "buy now")
    peer = await ann.peer(bob)
    same(await ann(f.messages.ReportSpamRequest(peer)), True)
    same(await ann(f.account.ReportPeerRequest(peer, types.InputReportReasonSpam(), "spam")), True)


@case(
    f.stories.GetPeerStoriesRequest,
    f.stories.GetAllStoriesRequest,
    f.stories.GetPinnedStoriesRequest,
    f.stories.GetStoriesArchiveRequest,
    f.stories.GetStoriesByIDRequest,
    f.stories.GetAllReadPeerStoriesRequest,
    f.stories.GetPeerMaxIDsRequest,
    f.channels.GetChannelRecommendationsRequest,
)
async def there_are_no_stories_and_no_recommendations(house: House) -> None:
    (ann,) = await house.cast("Ann")
    me = types.InputPeerSelf()
    same((await ann(f.stories.GetPeerStoriesRequest(me))).stories.stories, [])
    same((await ann(f.stories.GetAllStoriesRequest())).peer_stories, [])
    same((await ann(f.stories.GetPinnedStoriesRequest(me, 0, 10))).stories, [])
    same((await ann(f.stories.GetStoriesArchiveRequest(me, 0, 10))).stories, [])
    same((await ann(f.stories.GetStoriesByIDRequest(me, [1]))).stories, [])
    same((await ann(f.stories.GetAllReadPeerStoriesRequest())).updates, [])
    same(len(await ann(f.stories.GetPeerMaxIDsRequest([me]))), 1)
    same((await ann(f.channels.GetChannelRecommendationsRequest())).chats, [])


@case(
    f.langpack.GetLangPackRequest,
    f.langpack.GetDifferenceRequest,
    f.langpack.GetStringsRequest,
    f.langpack.GetLanguagesRequest,
    f.langpack.GetLanguageRequest,
    f.help.GetDeepLinkInfoRequest,
    f.help.GetAppUpdateRequest,
)
async def clients_keep_their_own_words(house: House) -> None:
    (ann,) = await house.cast("Ann")
    same((await ann(f.langpack.GetLangPackRequest("android", "en"))).strings, [])
    same((await ann(f.langpack.GetDifferenceRequest("android", "en", 7))).from_version, 7)
    (text,) = await ann(f.langpack.GetStringsRequest("android", "en", ["Hello"]))
    same(text.key, "Hello")
    same([each.lang_code for each in await ann(f.langpack.GetLanguagesRequest("android"))], ["en"])
    same((await ann(f.langpack.GetLanguageRequest("android", "en"))).official, True)
    same(type(await ann(f.help.GetDeepLinkInfoRequest("x"))), types.help.DeepLinkInfoEmpty)
    same(type(await ann(f.help.GetAppUpdateRequest("store"))), types.help.NoAppUpdate)


@case(
    f.messages.GetCustomEmojiDocumentsRequest,
    f.messages.GetTopReactionsRequest,
    f.users.GetRequirementsToContactRequest,
    f.messages.GetSplitRangesRequest,
    f.messages.GetWebPagePreviewRequest,
    f.messages.GetWebPageRequest,
    f.messages.GetSponsoredMessagesRequest,
    f.contacts.SetBlockedRequest,
)
async def smaller_questions(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    same(await ann(f.messages.GetCustomEmojiDocumentsRequest([1])), [])
    same(len((await ann(f.messages.GetTopReactionsRequest(5, 0))).reactions), 5)
    needed = await ann(f.users.GetRequirementsToContactRequest([await ann.user(bob)]))
    same([type(each) for each in needed], [types.RequirementToContactEmpty])
    same((await ann(f.messages.GetSplitRangesRequest()))[0].min_id, 1)
    same(type((await ann(f.messages.GetWebPagePreviewRequest("x"))).media), types.MessageMediaEmpty)
    same(type((await ann(f.messages.GetWebPageRequest("https://example.org", 0))).webpage), types.WebPageEmpty)
    sponsored = await ann(f.messages.GetSponsoredMessagesRequest(await ann.peer(bob)))
    same(type(sponsored), types.messages.SponsoredMessagesEmpty)
    same(await ann(f.contacts.SetBlockedRequest([await ann.peer(bob)], 10)), True)
    same([each.peer_id.user_id for each in (await ann(f.contacts.GetBlockedRequest(0, 10))).blocked], [bob.id])


@case(
    f.contacts.AcceptContactRequest,
    f.contacts.GetTopPeersRequest,
    f.messages.ReportRequest,
    f.channels.ReportSpamRequest,
    f.messages.GetSearchResultsCalendarRequest,
    f.messages.SearchSentMediaRequest,
)
async def acquaintance_reports_and_calendars(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    sent = await ann.client.send_file(await ann.peer(bob), b"x" * 2000, force_document=True)
    await bob.say(ann, "thanks")
    peer = await ann.peer(bob)
    asking = f.contacts.AddContactRequest(await bob.user(ann), "Ann", "", "", add_phone_privacy_exception=True)
    await bob(asking)
    await ann(f.contacts.AcceptContactRequest(await ann.user(bob)))
    same([each.user_id for each in (await ann(f.contacts.GetContactsRequest(0))).contacts], [bob.id])
    top = await ann(f.contacts.GetTopPeersRequest(0, 10, 0, correspondents=True))
    same([each.peer.user_id for each in top.categories[0].peers], [bob.id])
    choose = await ann(f.messages.ReportRequest(peer, [(await ann.latest(bob)).id], b"", ""))
    same(type(choose), types.ReportResultChooseOption)
    documents = types.InputMessagesFilterDocument()
    found = await ann(f.messages.GetSearchResultsCalendarRequest(peer, documents, 0, None))
    same((found.count, [each.count for each in found.periods]), (1, [1]))
    same([each.id for each in (await ann(f.messages.SearchSentMediaRequest("", documents, 10))).messages], [sent.id])
    club = await house.club(ann, bob)
    spam = await bob.say(club, "buy now")
    same(await ann(f.channels.ReportSpamRequest(await ann.channel(club), peer, [spam.id])), True)
