"""Polls as plain records. A poll is one, however often its message is forwarded; messages name it by its id."""

from __future__ import annotations

import msgspec


class PollAnswer(msgspec.Struct, omit_defaults=True):
    """What can be chosen. `option` is what clients name it by; `entities` are TL, opaque to the world."""

    option: bytes
    text: str
    entities: list[bytes] = []


class Ballot(msgspec.Struct):
    """What one person has chosen (places among the answers, ascending), and when."""

    date: int
    chosen: list[int]


class Poll(msgspec.Struct, omit_defaults=True):
    """A question, its answers and who chose which, in the order of voting."""

    id: int
    creator: int
    question: str
    answers: list[PollAnswer]
    entities: list[bytes] = []
    public: bool = False
    multiple: bool = False
    quiz: bool = False
    fixed: bool = False
    shuffled: bool = False
    hidden_until_closed: bool = False
    # seconds from the first message with it, and the moment that this or the creator fixed
    close_period: int = 0
    close_date: int = 0
    closed: bool = False
    # of a quiz: the places of the right answers, and why they are
    correct: list[int] = []
    solution: str = ""
    solution_entities: list[bytes] = []
    votes: dict[int, Ballot] = {}
