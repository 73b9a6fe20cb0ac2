"""messages.* about what sticks to a message: reactions, mentions, views, contents read."""

from __future__ import annotations

from collections.abc import AsyncIterator

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House

UP = types.ReactionEmoji("\N{THUMBS UP SIGN}")


@case(
    f.messages.SendReactionRequest,
    f.messages.GetMessagesReactionsRequest,
    f.messages.GetMessageReactionsListRequest,
    f.messages.GetUnreadReactionsRequest,
    f.messages.ReadReactionsRequest,
)
async def a_reaction_is_seen_counted_and_read(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await ann.say(bob, "good news")
    message = await bob.latest(ann)
    peer = await bob.peer(ann)
    answer = await bob(f.messages.SendReactionRequest(peer, message.id, reaction=[UP]))
    true(any(isinstance(each, types.UpdateMessageReactions) for each in answer.updates), "updateMessageReactions")
    told = await ann.sees(types.UpdateMessageReactions)
    same([(each.reaction.emoticon, each.count) for each in told.reactions.results], [(UP.emoticon, 1)])
    mine = await ann.peer(bob)
    listed = await ann(f.messages.GetMessageReactionsListRequest(mine, told.msg_id, 10))
    same([each.peer_id.user_id for each in listed.reactions], [bob.id])
    unread = f.messages.GetUnreadReactionsRequest(mine, 0, 0, 10, 0, 0)
    same([each.id for each in (await ann(unread)).messages], [told.msg_id])
    affected = await ann(f.messages.ReadReactionsRequest(mine))
    same(type(affected), types.messages.AffectedHistory)
    same((await ann(unread)).messages, [])
    again = await bob(f.messages.GetMessagesReactionsRequest(peer, [message.id]))
    same(again.updates[0].reactions.results[0].chosen_order is not None, True)
    await bob(f.messages.SendReactionRequest(peer, message.id))
    again = await ann(f.messages.GetMessagesReactionsRequest(mine, [told.msg_id]))
    same(again.updates[0].reactions.results, [])


@case(f.messages.GetAvailableReactionsRequest)
async def reactions_that_there_are(house: House) -> None:
    (ann,) = await house.cast("Ann")
    found = await ann(f.messages.GetAvailableReactionsRequest(0))
    true(UP.emoticon in {each.reaction for each in found.reactions}, "thumbs up among them")
    same(
        type(await ann(f.messages.GetAvailableReactionsRequest(found.hash))),
        types.messages.AvailableReactionsNotModified,
    )


@case(f.messages.GetUnreadMentionsRequest, f.messages.ReadMentionsRequest)
async def a_mention_waits_to_be_read(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    message = await ann.say(club, f"hello @{bob.username}")
    told = await bob.sees(types.UpdateNewChannelMessage, lambda update: update.message.id == message.id)
    same((told.message.mentioned, told.message.media_unread), (True, True))
    unread = f.messages.GetUnreadMentionsRequest(await bob.peer(club), 0, 0, 10, 0, 0)
    same([each.id for each in (await bob(unread)).messages], [message.id])
    await bob(f.messages.ReadMentionsRequest(await bob.peer(club)))
    same((await bob(unread)).messages, [])


@case(f.messages.ReadMessageContentsRequest)
async def a_voice_message_is_listened_to(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin = await house.again(bob)
    voice = [types.DocumentAttributeAudio(duration=1, voice=True)]
    sent = await ann.client.send_file(await ann.peer(bob), b"OggS" * 100, attributes=voice, voice_note=True)
    message = await bob.latest(ann)
    same(message.media_unread, True)
    affected = await bob(f.messages.ReadMessageContentsRequest([message.id]))
    same(affected.pts_count, 1)
    same((await ann.sees(types.UpdateReadMessagesContents)).messages, [sent.id])
    same((await twin.sees(types.UpdateReadMessagesContents)).messages, [message.id])
    same((await bob.latest(ann)).media_unread, False)


@case(f.messages.GetMessagesViewsRequest)
async def views_are_counted_once_for_each(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    news = await house.club(ann, bob, broadcast=True)
    post = await ann.say(news, "read all about it")
    for who in (bob, bob):
        seen = await who(f.messages.GetMessagesViewsRequest(await who.peer(news), [post.id], increment=True))
    same(seen.views[0].views, 2)
    same((await ann.latest(news)).views, 2)


@refusals
async def marks(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    wrong, peer = types.InputPeerUser(77, 77), await ann.peer(bob)
    message = await ann.say(bob, "hello")
    yield "REACTION_INVALID", ann, f.messages.SendReactionRequest(peer, message.id, reaction=[types.ReactionEmoji("x")])
    yield "MESSAGE_ID_INVALID", ann, f.messages.SendReactionRequest(peer, 9999, reaction=[UP])
    many = [UP, types.ReactionEmoji("\N{FIRE}")]
    yield "REACTIONS_TOO_MANY", ann, f.messages.SendReactionRequest(peer, message.id, reaction=many)
    yield "PEER_ID_INVALID", ann, f.messages.GetMessagesReactionsRequest(wrong, [1])
    yield "MESSAGE_ID_INVALID", ann, f.messages.GetMessageReactionsListRequest(peer, 9999, 10)
    yield "PEER_ID_INVALID", ann, f.messages.GetUnreadReactionsRequest(wrong, 0, 0, 10, 0, 0)
    yield "PEER_ID_INVALID", ann, f.messages.ReadReactionsRequest(wrong)
    yield "PEER_ID_INVALID", ann, f.messages.GetUnreadMentionsRequest(wrong, 0, 0, 10, 0, 0)
    yield "PEER_ID_INVALID", ann, f.messages.ReadMentionsRequest(wrong)
    yield "PEER_ID_INVALID", ann, f.messages.GetMessagesViewsRequest(wrong, [1], increment=False)
