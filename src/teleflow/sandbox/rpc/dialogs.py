"""The list of chats: an account's own dialogs and the supergroups and channels it is in.

A channel's dialog has no record of its own: the channel has the messages, the member what was read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.channel_reads import ids_of, unread
from teleflow.sandbox.world.chat_records import Chat, Member
from teleflow.sandbox.world.records import Dialog, Person


class Shown(NamedTuple):
    """A dialog as it is listed: its record, where its messages are, and the last of them (0: none)."""

    dialog: Dialog
    box: Box
    top: int
    pts: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        """By date of the last message, then by its number, then by peer, so that no two are equal."""
        date = self.box.messages[self.top].date if self.top else 0
        return date, self.top, self.dialog.peer


def channel_dialog(desk: Desk, me: Person, chat: Chat, member: Member | None) -> Shown:
    """A supergroup or channel as a dialog of somebody who is in it, or only looks."""
    box = desk.world.messages.box(chat.id)
    ids = ids_of(desk.world, chat, member)
    top = ids[-1] if ids else 0
    if member is None or not member.inside:
        return Shown(Dialog(me.id, chat.id, top, top), box, top, box.pts)
    # posts of a broadcast channel count as read once they are sent
    outbox = top if chat.kind == "broadcast" else member.read_outbox
    dialog = Dialog(me.id, chat.id, member.read_inbox, outbox, unread(desk.world, chat, member))
    return Shown(dialog, box, top, box.pts)


def shown_dialog(desk: Desk, me: Person, target: Person | Chat) -> Shown:
    """One dialog, also one that is not in the list."""
    if isinstance(target, Chat) and target.channel:
        return channel_dialog(desk, me, target, desk.world.chats.member(target, me.id))
    box = desk.box(me)
    dialog = box.dialogs.get(target.id) or Dialog(me.id, target.id)
    return Shown(dialog, box, dialog.ids[-1] if dialog.ids else 0)


def shown_dialogs(desk: Desk, me: Person) -> list[Shown]:
    """Every dialog that has something to show."""
    box = desk.box(me)
    found = [Shown(dialog, box, dialog.ids[-1]) for dialog in box.dialogs.values() if dialog.ids]
    chats = desk.world.chats
    for chat in chats.of_person(me.id):
        if chat.channel and not chat.deleted:
            shown = channel_dialog(desk, me, chat, chats.member(chat, me.id))
            if shown.top:
                found.append(shown)
    return found


def dialog_parts(desk: Desk, me: Person, page: Iterable[Shown]) -> dict[str, list[Any]]:
    """Dialogs with their last messages and whoever is in them."""
    dialogs: list[Any] = []
    messages: list[Any] = []
    involved: set[int] = {me.id}
    for shown in page:
        made = desk.view.dialog(shown.dialog)
        made.top_message = shown.top
        if shown.pts:
            made.pts = shown.pts
        dialogs.append(made)
        involved.add(shown.dialog.peer)
        if shown.top:
            messages += desk.view.messages(shown.box, [shown.top], me.id)
            involved |= desk.view.involved(shown.box, [shown.top])
    return {
        "dialogs": dialogs,
        "messages": messages,
        "chats": desk.view.chats(me, involved),
        "users": desk.view.users(me, involved),
    }
