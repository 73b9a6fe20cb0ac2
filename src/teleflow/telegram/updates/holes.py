"""Holes that no difference closes: each is told as a gap, and then filled from history as far as that goes."""

from __future__ import annotations

from collections import deque
from typing import Any

import structlog
from telethon.tl import types as tl

from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.events import NewEvent
from teleflow.model.updates import ACCOUNT, BoxPosition
from teleflow.telegram import errors
from teleflow.telegram.mtproto.requests import RpcFault, Unreadable
from teleflow.telegram.updates.boxes import Boxes
from teleflow.telegram.updates.gaps import gap_event
from teleflow.telegram.updates.history import CLOSED, AccountFill, Ask, ChannelFill

_log = structlog.get_logger(__name__)


class Holes:
    """Those of one session."""

    def __init__(self, boxes: Boxes, session_id: str, clock: Clock) -> None:
        self._boxes = boxes
        self._session_id = session_id
        self._clock = clock
        self._fills: deque[ChannelFill | AccountFill] = deque()
        self._told: list[NewEvent] = []

    def __bool__(self) -> bool:
        return bool(self._fills)

    def take(self) -> list[NewEvent]:
        """The gaps to be told."""
        told, self._told = self._told, []
        return told

    def account(self, pts: int) -> None:
        """The account's box goes on from here."""
        stored = self._boxes.freeze(ACCOUNT, pts)
        self._tell(ACCOUNT, stored, pts, None)
        self.fill(AccountFill(self._boxes, stored.top_message, stored.date))

    def channel(self, channel: tl.InputChannel, dialog: Any) -> None:
        """The channel's box goes on from where this dialog has it; without a place there, as it is."""
        number, top = channel.channel_id, dialog.top_message
        pts = dialog.pts or self._boxes.pts(number)
        stored = self._boxes.freeze(number, pts)
        self._tell(number, stored, pts, top)
        if stored.top_message:
            peer = tl.InputPeerChannel(number, channel.access_hash)
            self.fill(ChannelFill(self._boxes, number, peer, stored.top_message))
        else:  # nothing of it is in the log: where its history should begin, nobody can say
            self._boxes.filled(number, top)
            self._boxes.thaw(number)

    def back(self, box: int, pts: int) -> None:
        """The data centre has lost what it had counted past here: what it counts from now on is news."""
        stored = self._boxes.place(box)
        self._tell(box, stored, pts, None)
        self._boxes.back(box, pts)

    def fill(self, fill: ChannelFill | AccountFill) -> None:
        self._fills = deque(one for one in self._fills if one.box != fill.box)
        self._fills.append(fill)

    async def step(self, ask: Ask) -> None:
        """One request. Raises what `ask` raises where another try may help."""
        fill = self._fills[0]
        try:
            more = await fill.step(ask)
        except Unreadable:
            more = fill.skip()  # the gap is told, and nobody can say more of it
        except RpcFault as fault:
            if fill.box == ACCOUNT or errors.name_of(fault) not in CLOSED:
                raise
            self._boxes.thaw(fill.box)
            self._boxes.forget(fill.box)
            more = False
        if not more:
            self._fills.popleft()
        else:
            self._fills.rotate(-1)

    def _tell(self, box: int, stored: BoxPosition, pts: int, top: int | None) -> None:
        now = milliseconds(self._clock.time())
        self._told.append(gap_event(self._session_id, box, stored, pts, top, now))
        _log.warning("updates.gap", session=self._session_id, box=box, since=stored.pts, until=pts)
