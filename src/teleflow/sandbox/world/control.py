"""The world from outside: what the control API asks of it, in JSON's words.

Promises plain dictionaries out and ControlError for every refusal. Phones go out as `+digits` and
come in any form; 64-bit numbers go out as strings, which every JSON reader keeps exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from teleflow.sandbox.world import snapshot
from teleflow.sandbox.world.acts import ACTS, find, number_of, text_of
from teleflow.sandbox.world.chat_acts import CHAT_ACTS
from teleflow.sandbox.world.errors import ControlError, Refused
from teleflow.sandbox.world.keeper import Keeper
from teleflow.sandbox.world.message_acts import MESSAGE_ACTS
from teleflow.sandbox.world.people import digits
from teleflow.sandbox.world.records import Committed, Entry, Person
from teleflow.sandbox.world.world import World

__all__ = ["ControlError", "WorldControl"]

LEDGER_PAGE = 1000
LEDGER_LIMIT = 100_000
MOST_TIMES = 100_000
T = TypeVar("T")
_ACTS = {**ACTS, **CHAT_ACTS, **MESSAGE_ACTS}


class WorldControl:
    """Accounts, acts, ledgers, and the world's way to disk and back."""

    def __init__(self, world: World, *, directory: Path | None = None, scenarios: frozenset[str] | None = None) -> None:
        self._world = world
        self._scenarios = scenarios
        self._keeper = Keeper(world, directory) if directory is not None else None
        if directory is not None:
            world.disk.use(directory / "files")
        self._mark: list[tuple[str, str, bytes]] | None = None

    # accounts

    def accounts(self) -> list[dict[str, Any]]:
        return [self._account(person) for person in self._world.people if not person.service]

    def account(self, phone: str) -> dict[str, Any]:
        return self._account(find(self._world, phone))

    def create_account(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Raises 422 for what is no account, 409 where phone or username is taken."""
        phone = body.get("phone")
        if not isinstance(phone, str) or digits(phone) is None:
            raise ControlError(422, "VALIDATION_ERROR", "phone: optional + and 5 to 15 digits")
        if self._world.people.by_phone(phone) is not None:
            raise ControlError(409, "CONFLICT", "this phone has an account already")
        scenario = text_of(body, "scenario", default="")
        if scenario and self._scenarios is not None and scenario not in self._scenarios:
            known = ", ".join(sorted(self._scenarios))
            raise ControlError(422, "VALIDATION_ERROR", f"scenario must be one of {known}")
        person = _told(
            lambda: self._world.create_person(
                phone,
                text_of(body, "firstName"),
                text_of(body, "lastName", default=""),
                username=text_of(body, "username", default="").removeprefix("@"),
                cloud_password=text_of(body, "cloudPassword", default=""),
                scenario=scenario,
            )
        )
        if "dc" in body:
            self._world.standing.move(person, number_of(body, "dc"))
        return self._account(person)

    def _account(self, person: Person) -> dict[str, Any]:
        world = self._world
        password = person.password
        return {
            "id": person.id,
            "phone": f"+{person.phone}",
            "firstName": person.first_name,
            "lastName": person.last_name,
            "username": person.username or None,
            "scenario": person.scenario or None,
            "hasCloudPassword": password is not None,
            "cloudPassword": password.plain or None if password is not None else None,
            "dc": person.account.dc or None,
            "standing": self._standing(person),
            "devices": len(world.logins.of_person(person.id)),
            "online": person.online_until > world.clock.time(),
            "pts": world.messages.box(person.id).pts,
        }

    def _standing(self, person: Person) -> str:
        if person.deleted or person.account.banned:
            return "deleted" if person.deleted else "banned"
        return "frozen" if self._world.standing.is_frozen(person) else "good"

    def mails(self, phone: str) -> list[dict[str, Any]]:
        """Codes sent to the person's e-mail addresses, newest last."""
        found = sorted(find(self._world, phone).account.mails.values(), key=lambda mail: mail.sent_at)
        return [
            {
                "address": mail.address,
                "purpose": mail.purpose,
                "code": mail.code,
                "sentAt": mail.sent_at,
                "expiresAt": mail.expires,
            }
            for mail in found
        ]

    def code(self, phone: str) -> dict[str, Any] | None:
        """The last login code sent to a phone; None when there was none."""
        attempt = self._world.logins.last_code.get(digits(phone) or "")
        if attempt is None:
            return None
        return {
            "code": attempt.code,
            "type": attempt.kind,
            "sentAt": attempt.sent_at,
            "expiresAt": attempt.expires,
            "phoneCodeHash": attempt.hash,
        }

    async def act(self, phone: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Do something as a person, `times` times, `perSecond` of them a second (0: at once).

        In a text `{n}` becomes the number of the turn.
        """
        person = find(self._world, phone)
        name = body.get("do")
        act = _ACTS.get(name) if isinstance(name, str) else None
        if act is None:
            raise ControlError(400, "UNKNOWN_ACT", f"do must be one of {', '.join(_ACTS)}")
        times = number_of(body, "times", default=1)
        rate = body.get("perSecond", 0)
        if not 1 <= times <= MOST_TIMES:
            raise ControlError(422, "VALIDATION_ERROR", f"times must be 1 to {MOST_TIMES}")
        if isinstance(rate, bool) or not isinstance(rate, int | float) or rate < 0:
            raise ControlError(422, "VALIDATION_ERROR", "perSecond must be a number, 0 or more")
        clock = self._world.clock
        start = clock.monotonic()
        results = []
        for turn in range(times):
            if turn:
                # by schedule, so that late turns do not add up; even at full speed others get their turn
                await clock.sleep(max(0.0, start + turn / rate - clock.monotonic()) if rate else 0)
                person = find(self._world, phone)
            results.append(_told(partial(act, self._world, person, _turned(body, turn + 1))))
        answer: dict[str, Any] = {"do": name, "times": times, **results[-1]}
        if times > 1:
            answer["results"] = results
        return answer

    # ledgers

    def ledger_messages(
        self,
        *,
        phone: str | None = None,
        random_id: int | str | None = None,
        since: int | str = 0,
        limit: int | str = LEDGER_PAGE,
    ) -> list[dict[str, Any]]:
        """Committed messages after line `since`, oldest first."""
        found = self._world.ledger.find_messages(
            phone=_phone(phone),
            random_id=None if random_id is None else _integer(random_id, "randomId"),
            since=_integer(since, "since"),
            limit=_limit(limit),
        )
        return [_message_line(line) for line in found]

    def ledger_updates(
        self,
        *,
        phone: str | None = None,
        since: int | str = 0,
        limit: int | str = LEDGER_PAGE,
    ) -> list[dict[str, Any]]:
        """Updates emitted (with pts: kept in the account's log) after line `since`, oldest first."""
        owner = None
        if phone is not None:
            person = self._world.people.by_phone(_phone(phone) or "")
            owner = person.id if person is not None else 0
        found = self._world.ledger.find_updates(owner=owner, since=_integer(since, "since"), limit=_limit(limit))
        return [self._update_line(entry) for entry in found]

    def _update_line(self, entry: Entry) -> dict[str, Any]:
        person = self._world.people.by_id.get(entry.owner)
        line: dict[str, Any] = {
            "seq": entry.seq,
            "date": entry.date,
            "phone": f"+{person.phone}" if person is not None and person.phone else None,
            "kind": entry.kind,
            "pts": entry.pts or None,
            "ptsCount": entry.count,
        }
        if entry.ids:
            line["messageIds"] = list(entry.ids)
        if entry.peer:
            line["peerId"] = entry.peer
        # a supergroup's or channel's own log, or news of a group or channel
        if entry.owner < 0 or entry.chat:
            line["chatId"] = entry.chat or entry.owner
        if entry.max_id:
            line["maxId"] = entry.max_id
        if entry.uid:
            line["message"] = entry.uid
        return line

    # state

    def reset(self) -> dict[str, Any]:
        """Empty the world: nobody, nothing, every device logged out. A mark set by `save` stays."""
        world = self._world
        keys = list(world.logins.authorizations)
        world.begin(None)
        for key_id in keys:
            if world.reach is not None:
                world.reach.revoke(key_id)
        if self._keeper is not None:
            self._keeper.rewrite()
        return {"reset": True}

    def save(self) -> dict[str, Any]:
        """Mark the world as it is now, for `load` to come back to; and bring it to disk, if it has one."""
        self._mark = list(snapshot.everything(self._world))
        if self._keeper is not None:
            self._keeper.save()
        return {"saved": True, "records": len(self._mark)}

    def load(self) -> dict[str, Any]:
        """Go back to the mark, or without one to what the disk has. Neither there: nothing changes."""
        before = set(self._world.logins.authorizations)
        if self._mark is not None:
            loaded = snapshot.restore(self._world, self._mark)
            if self._keeper is not None:
                self._keeper.rewrite()
        else:
            loaded = self._keeper is not None and self._keeper.load()
            self._world.disk.sweep(self._world.files.names())
        for key_id in before - set(self._world.logins.authorizations):
            if self._world.reach is not None:
                self._world.reach.revoke(key_id)
        return {"loaded": loaded, "accounts": len(self.accounts())}

    async def keep_saved(self) -> None:
        """Save for ever, a moment after each change. Returns at once without a state directory."""
        if self._keeper is not None:
            await self._keeper.keep_saved()

    def close(self) -> None:
        """Save and let go of the files."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None
        self._world.disk.close()


def _turned(body: Mapping[str, Any], turn: int) -> Mapping[str, Any]:
    text = body.get("text")
    if not isinstance(text, str) or "{n}" not in text:
        return body
    return {**body, "text": text.replace("{n}", str(turn))}


def _told(act: Callable[[], T]) -> T:
    """Telegram's refusals as answers of the control API."""
    try:
        return act()
    except Refused as refused:
        status = 409 if refused.name.endswith("_OCCUPIED") else 422
        raise ControlError(status, refused.name, f"Telegram would answer {refused.code} {refused.name}") from refused


def _phone(phone: str | None) -> str | None:
    if phone is None:
        return None
    plain = digits(phone)
    if plain is None:
        raise ControlError(422, "VALIDATION_ERROR", "phone: optional + and 5 to 15 digits")
    return plain


def _integer(value: int | str, name: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise ControlError(422, "VALIDATION_ERROR", f"{name} must be a whole number") from error


def _limit(value: int | str) -> int:
    return max(1, min(_integer(value, "limit"), LEDGER_LIMIT))


def _recipient(line: Committed) -> str:
    """A phone, or the marked id of a group or channel."""
    if line.to < 0:
        return str(line.to)
    return f"+{line.to_phone}" if line.to_phone else "Telegram"


def _message_line(line: Committed) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "time": line.time,
        "from": f"+{line.from_phone}" if line.from_phone else "Telegram",
        "to": _recipient(line),
        "fromId": line.sender,
        "toId": line.to,
        "fromMessageId": line.from_id,
        "toMessageId": line.to_id,
        "randomId": str(line.random_id),
        "text": line.text,
    }
