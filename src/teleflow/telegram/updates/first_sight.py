"""Dialogs seen for the first time: how they look, where their channels stand, and what of them is ours to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telethon.tl import types as tl

from teleflow.model.updates import ACCOUNT, BoxPosition, Face
from teleflow.telegram.convert.peers import marked
from teleflow.telegram.updates.boxes import Boxes
from teleflow.telegram.updates.faces import face_of
from teleflow.telegram.updates.history import Page, SinceFill, input_of


@dataclass(slots=True)
class Seen:
    faces: list[Face] = field(default_factory=list)
    fills: list[SinceFill] = field(default_factory=list)


def first_sight(page: Page, boxes: Boxes, faces: Mapping[int, Face], *, since: int) -> Seen:
    """Begins channels that nothing was heard of yet; what was written in them past `since` is in their history."""
    seen = Seen()
    for dialog in page.dialogs:
        id_ = marked(dialog.peer)
        face = face_of(page.everybody.get(id_))
        if face is not None and id_ not in faces:
            seen.faces.append(face)
        if not isinstance(dialog.peer, tl.PeerChannel):
            continue
        number = dialog.peer.channel_id
        if boxes.knows(number) or not dialog.pts:
            continue
        boxes.begin(_place(number, dialog))
        if page.dates.get(id_, 0) > since:
            boxes.freeze(number, dialog.pts)
            seen.fills.append(SinceFill(boxes, number, input_of(dialog.peer, page.everybody), since))
    if not boxes.place(ACCOUNT).top_message:
        boxes.note_top(ACCOUNT, _top_before(page, since))
    return seen


def _place(number: int, dialog: Any) -> BoxPosition:
    # Nothing read is known as well: 1 is no message's that one reads.
    return BoxPosition(number, dialog.pts, top_message=dialog.top_message, read_max=max(1, dialog.read_inbox_max_id))


def _top_before(page: Page, since: int) -> int:
    """The highest number of a message outside of channels that was there at `since`, as far as the page shows it."""
    tops = [
        (dialog.top_message, page.dates.get(marked(dialog.peer), 0))
        for dialog in page.dialogs
        if not isinstance(dialog.peer, tl.PeerChannel)
    ]
    old = [number for number, date in tops if date <= since]
    return max(old) if old else max(0, min((number for number, _ in tops), default=0) - 1)
