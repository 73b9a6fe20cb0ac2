"""A device: its connection, its observer, and how it comes back after it was away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.model.deeds import Deed
from proofs.model.line import Line, RefusedError, WorldTime
from proofs.model.observer import Known, Observer
from proofs.model.records import CHANNELS_BELOW, is_channel
from proofs.model.rows import Row, from_tl


class Missed:
    """What a difference told: new messages by number, everything else in the form of a log."""

    def __init__(self, box: int, since: int) -> None:
        self.box, self.since, self.until = box, since, since
        self.new: set[int] = set()
        self.others: list[tuple[str, Any]] = []
        self.too_long = False


class Seat:
    """See the module."""

    def __init__(self, me: int, name: str, key: bytes, address: tuple[str, int], clock: WorldTime) -> None:
        self.me, self.name, self.key = me, name, key
        self._address, self._clock = address, clock
        self._line: Line | None = None
        self.client = Observer(me, name, 0, 0)

    @property
    def there(self) -> bool:
        return self._line is not None

    @property
    def line(self) -> Line:
        if self._line is None:
            raise RuntimeError(f"{self.name} is away")
        return self._line

    async def begin(self) -> None:
        """As an app that was just installed: the state of now, and no past."""
        self._line = await Line.opened(self._address, self.key, self._clock, self._heard)
        state = await self.line.ask(f.updates.GetStateRequest())
        dialogs = await self.line.ask(
            f.messages.GetDialogsRequest(datetime.fromtimestamp(0, UTC), 0, types.InputPeerEmpty(), 100, 0)
        )
        top = max((each.id for each in dialogs.messages), default=0)
        self.client = Observer(self.me, self.name, state.pts, top)

    def _heard(self, told: Any) -> None:
        self.client.take(told)

    async def leave(self) -> None:
        """Go away, with everything heard that was said until now."""
        await self.line.sync()
        self.client.date = int(self._clock.now())
        self.line.close()
        self._line = None

    # asking

    def learn(self, deed: Deed, answer: Any) -> None:
        """What an answer tells the one who asked."""
        client, kind = self.client, type(answer)
        if kind is types.UpdateShortSentMessage:
            reply = deed.request.reply_to.reply_to_msg_id if deed.request.reply_to is not None else 0
            row = Row(deed.peer, self.me, True, deed.request.message.strip(), reply=reply)
            client.new(self.me, answer.id, row, answer.pts, answer.pts_count)
        elif kind in (types.messages.AffectedMessages, types.messages.AffectedHistory):
            box = deed.peer if is_channel(deed.peer) else self.me
            client.affected(box, answer.pts, answer.pts_count, *deed.affected)
        elif kind in (types.messages.InvitedUsers, types.messages.ChatInviteJoinResultOk):
            client.take(answer.updates)
        elif kind is types.Updates:
            client.take(answer)
        elif isinstance(deed.request, f.messages.EditChatAdminRequest):  # told to everybody but who did it
            client.admins.setdefault(deed.peer, {})[deed.request.user_id.user_id] = deed.request.is_admin
        elif kind is not bool:
            client.complain(f"{deed.kind} answered with {kind.__name__}")

    async def meet(self) -> None:
        """Ask about channels that were heard of for the first time."""
        client = self.client
        while client.to_ask:
            channel = client.to_ask.pop()
            named = types.InputPeerChannel(CHANNELS_BELOW - channel, client.hashes[channel])
            try:
                answer = await self.line.ask(f.messages.GetPeerDialogsRequest([types.InputDialogPeer(named)]))
            except RefusedError:
                client.forget(channel)
                continue
            client.acquainted(answer.chats)
            (dialog,) = answer.dialogs
            known = client.boxes.get(channel)
            if known is None:
                known = client.boxes[channel] = Known(dialog.pts, dialog.top_message)
            elif known.pts != dialog.pts:
                client.complain(f"pts of {channel} is {dialog.pts}, counted {known.pts}")
            elif not known.floor:
                known.floor = dialog.top_message
            client.dialog(dialog)

    # coming back

    async def come_back(self, limit: int) -> list[Missed]:
        """Connect, and catch up: the account first, then each channel that has news."""
        self._line = await Line.opened(self._address, self.key, self._clock, self._heard)
        client = self.client
        client.admins.clear()  # no difference tells of them: an app asks about the group, by its version
        known = client.boxes[self.me]
        missed = [Missed(self.me, known.pts)]
        for each in client.boxes.values():
            each.stale |= set(each.rows)
            each.unlooked |= set(each.rows)
        while True:
            date = datetime.fromtimestamp(client.date, UTC)
            part = await self.line.ask(f.updates.GetDifferenceRequest(known.pts, date, 0))
            if isinstance(part, types.updates.DifferenceEmpty):
                break
            if isinstance(part, types.updates.DifferenceTooLong):
                client.complain("the difference is too long")
                break
            state = getattr(part, "intermediate_state", None) or part.state
            client.acquainted(part.chats)
            self._apply(missed[0], known, part, state.pts)
            if isinstance(part, types.updates.Difference):
                break
        client.date = int(self._clock.now())
        await self._still_in()
        for channel in sorted(client.to_ask & set(client.boxes)):
            client.to_ask.discard(channel)
            missed.append(await self._channel_difference(channel, limit))
        await self.meet()
        return missed

    def _apply(self, missed: Missed, known: Known, part: Any, pts: int) -> None:
        client = self.client
        for message in part.new_messages:
            client.put(known, message.id, from_tl(message, self.me))
            missed.new.add(message.id)
        # these are counted by the state at the end, not one by one
        client.counting = False
        for update in part.other_updates:
            client.update(update, part.chats)
        client.counting = True
        missed.others += [(each.kind, each.what) for each in known.log]
        known.log.clear()
        known.pts = missed.until = pts

    async def _still_in(self) -> None:
        """Of having left a channel from elsewhere no difference tells."""
        channels = [each for each in self.client.boxes if is_channel(each)]
        if not channels:
            return
        named = [types.InputChannel(CHANNELS_BELOW - each, self.client.hashes[each]) for each in channels]
        for chat in (await self.line.ask(f.channels.GetChannelsRequest(named))).chats:
            if isinstance(chat, types.ChannelForbidden) or chat.left:
                self.client.forget(CHANNELS_BELOW - chat.id)

    async def _channel_difference(self, channel: int, limit: int) -> Missed:
        client = self.client
        known = client.boxes[channel]
        missed = Missed(channel, known.pts)
        named = types.InputChannel(CHANNELS_BELOW - channel, client.hashes[channel])
        while True:
            request = f.updates.GetChannelDifferenceRequest(named, types.ChannelMessagesFilterEmpty(), known.pts, limit)
            part = await self.line.ask(request)
            if isinstance(part, types.updates.ChannelDifferenceEmpty):
                break
            client.acquainted(part.chats)
            if isinstance(part, types.updates.ChannelDifferenceTooLong):
                missed.too_long = True
                known.pts = missed.until = part.dialog.pts
                known.rows = {each.id: from_tl(each, self.me) for each in part.messages}
                known.floor = min(known.rows, default=part.dialog.top_message + 1) - 1
                known.log.clear()
                break
            self._apply(missed, known, part, part.pts)
            if part.final:
                break
        return missed

    async def refresh(self, named: dict[int, Any], waiting: list[int]) -> None:
        """What has no pts and was not heard while away: asked for, as an app does for what it shows."""
        client = self.client
        client.drafts.clear()
        client.marked.clear()
        client.scheduled.clear()
        peers = [types.InputDialogPeer(each) for each in named.values()]
        for dialog in (await self.line.ask(f.messages.GetPeerDialogsRequest(peers))).dialogs if peers else ():
            client.dialog(dialog)
        for peer in waiting:
            for each in (await self.line.ask(f.messages.GetScheduledHistoryRequest(named[peer], 0))).messages:
                client.scheduled[each.id] = peer, each.message
