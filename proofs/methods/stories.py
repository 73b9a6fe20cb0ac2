"""stories.*: told, seen by those who may, over when their time is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same
from proofs.methods.house import House, Someone
from proofs.methods.media import document, png, uploaded

EVERYBODY = [types.InputPrivacyValueAllowAll()]
ME = types.InputPeerSelf()


async def tell(someone: Someone, number: int, rules: list[Any] | None = None, **more: Any) -> int:
    """A story with a photo; its number."""
    media = types.InputMediaUploadedPhoto(await uploaded(someone, png(200 + number), f"story {number}.png"))
    request = f.stories.SendStoryRequest(ME, media, rules or EVERYBODY, random_id=1000 + number, **more)
    answer = await someone(request)
    (named,) = [each for each in answer.updates if isinstance(each, types.UpdateStoryID)]
    same(named.random_id, 1000 + number)
    return int(named.id)


@case(
    f.stories.SendStoryRequest,
    f.stories.GetPeerStoriesRequest,
    f.stories.GetAllStoriesRequest,
    f.stories.GetStoriesByIDRequest,
    f.stories.GetPeerMaxIDsRequest,
    f.stories.DeleteStoriesRequest,
)
async def a_story_is_seen_by_whom_its_rules_let(house: House) -> None:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    await ann(f.contacts.AddContactRequest(await ann.peer(bob), "Bob", "", ""))
    await bob(f.contacts.AddContactRequest(await bob.peer(ann), "Ann", "", ""))
    open_ = await tell(ann, 1, caption="good morning")
    close = await tell(ann, 2, [types.InputPrivacyValueAllowContacts(), types.InputPrivacyValueDisallowAll()])
    told = (await bob(f.stories.GetPeerStoriesRequest(await bob.peer(ann)))).stories.stories
    same([each.id for each in told], [open_, close])
    same((told[0].caption, told[0].public, bool(told[0].out), told[0].privacy), ("good morning", True, False, None))
    told = (await eve(f.stories.GetPeerStoriesRequest(await eve.peer(ann)))).stories.stories
    same([each.id for each in told], [open_])
    (group,) = (await bob(f.stories.GetAllStoriesRequest())).peer_stories
    same((group.peer.user_id, [each.id for each in group.stories]), (ann.id, [open_, close]))
    same((await eve(f.stories.GetAllStoriesRequest())).peer_stories, [])
    by_id = await eve(f.stories.GetStoriesByIDRequest(await eve.peer(ann), [open_, close]))
    same([each.id for each in by_id.stories], [open_])
    (newest,) = await eve(f.stories.GetPeerMaxIDsRequest([await eve.peer(ann)]))
    same(newest.max_id, open_)
    own = (await ann(f.stories.GetPeerStoriesRequest(ME))).stories.stories
    same([type(rule) for rule in own[0].privacy], [types.PrivacyValueAllowAll])
    same(await ann(f.stories.DeleteStoriesRequest(ME, [open_, 99])), [open_])
    same((await eve(f.stories.GetPeerStoriesRequest(await eve.peer(ann)))).stories.stories, [])


@case(f.stories.TogglePinnedRequest, f.stories.GetPinnedStoriesRequest, f.stories.GetStoriesArchiveRequest)
async def what_is_pinned_stays(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    numbers = [await tell(ann, number, period=6 * 3600) for number in range(3, 6)]
    same(await ann(f.stories.TogglePinnedRequest(ME, numbers[:2], True)), numbers[:2])
    for story in house.sandbox.world.people.by_id[ann.id].stories:
        story.expires = story.date  # its time is over
    same((await bob(f.stories.GetPeerStoriesRequest(await bob.peer(ann)))).stories.stories, [])
    found = await bob(f.stories.GetPinnedStoriesRequest(await bob.peer(ann), 0, 1))
    same((found.count, [each.id for each in found.stories]), (2, [numbers[1]]))
    found = await bob(f.stories.GetPinnedStoriesRequest(await bob.peer(ann), numbers[1], 5))
    same([each.id for each in found.stories], [numbers[0]])
    kept = await ann(f.stories.GetStoriesArchiveRequest(ME, 0, 10))
    same([each.id for each in kept.stories], numbers[::-1])


@refusals
async def stories_that_can_t_be_told(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    picture = types.InputMediaUploadedPhoto(await uploaded(ann, png()))
    paper = await document(ann, b"words")
    to_bob = await ann.peer(bob)
    yield "STORY_PERIOD_INVALID", ann, f.stories.SendStoryRequest(ME, picture, EVERYBODY, period=60)
    yield "MEDIA_TYPE_INVALID", ann, f.stories.SendStoryRequest(ME, paper, EVERYBODY)
    yield "PRIVACY_VALUE_INVALID", ann, f.stories.SendStoryRequest(ME, picture, [])
    yield "PEER_ID_INVALID", ann, f.stories.SendStoryRequest(to_bob, picture, EVERYBODY)
    yield "PEER_ID_INVALID", ann, f.stories.GetStoriesArchiveRequest(to_bob, 0, 10)
    yield "PEER_ID_INVALID", ann, f.stories.DeleteStoriesRequest(to_bob, [1])
    yield "PEER_ID_INVALID", ann, f.stories.TogglePinnedRequest(to_bob, [1], True)
