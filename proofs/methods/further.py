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
