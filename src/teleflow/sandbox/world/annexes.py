"""What a message may carry beside its text: where it is forwarded from, reactions, pins, mentions.

Plain records; most messages have none. `marks` indexes them.
"""

from __future__ import annotations

import msgspec

from teleflow.sandbox.world.media_records import Media


class Forward(msgspec.Struct, omit_defaults=True):
    """Where a message was first said. Somebody who does not want to be named has only a name."""

    date: int
    from_id: int = 0
    from_name: str = ""
    post: int = 0
    author: str = ""
    # in saved messages: where it was taken from
    saved_peer: int = 0
    saved_id: int = 0


class Reaction(msgspec.Struct, omit_defaults=True):
    emoji: str
    date: int
    big: bool = False


class Annex(msgspec.Struct, omit_defaults=True):
    """See the module. Accounts and channels are named by their ids."""

    forward: Forward | None = None
    # who reacted, in that order, and whose reaction the author has not seen yet
    reactions: dict[int, Reaction] = {}
    fresh: set[int] = set()
    # in whose boxes it is pinned
    pinned: set[int] = set()
    # who is mentioned, and whether they have not seen it yet
    mentions: dict[int, bool] = {}
    viewers: set[int] = set()
    forwards: int = 0
    no_forwards: bool = False
    scheduled: bool = False
    # who has listened to the voice message, or watched the round video
    heard: set[int] = set()


class Waiting(msgspec.Struct, omit_defaults=True):
    """One message that waits."""

    id: int
    owner: int
    peer: int
    date: int
    text: str
    made: int
    random_id: int = 0
    entities: list[bytes] = []
    reply_to: int = 0
    silent: bool = False
    media: Media | None = None
    annex: Annex | None = None
