"""What fault rules do to a call and to the connection it came on.

`Disturb.before` carries out, in order, the verbs of the rules that fired. A verb that answers the call raises
RpcError; one that takes it away raises LostError; the rest leave a mark on the plan or on the connection.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Any, Protocol

from teleflow.kit.clock import Clock
from teleflow.sandbox.faults import DIFFERENCES, Rule
from teleflow.sandbox.mtproto.ledger import CallRow
from teleflow.sandbox.mtproto.session import Session
from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.transport.connection import Connection, Spoil

_MIGRATIONS = {"auth": "PHONE", "upload": "FILE", "stats": "STATS"}
_DEFAULT_CODES = {"FLOOD": 420, "SLOWMODE": 420, "AUTH_KEY": 401, "SESSION": 401, "USER_DEACTIVATED": 401}


LATE_MS = 1000.0
NOBODYS = struct.pack("<Iq", 0x0DDBA115, 0)
"""An object of a constructor that no layer has."""


class LostError(Exception):
    """The call is as if it had never come."""


class Effects(Protocol):
    """What the verbs need from the rest of the data centre."""

    dc_id: int

    def spoil_salt(self, key_id: int) -> None: ...

    def bad_salt(self, session: Session, msg_id: int, seq: int) -> None: ...

    def bad_message(self, session: Session, msg_id: int, seq: int, code: int) -> None: ...

    def renew(self, session: Session) -> None: ...

    def duplicated(self, key_id: int) -> None: ...

    async def revoke_login(self, key_id: int) -> None: ...

    async def expire_code(self, phone: str | None) -> None: ...


@dataclass(slots=True)
class Plan:
    """What is to happen to the answer."""

    withhold: bool = False
    duplicate: bool = False
    unknown: bool = False
    late: float | None = None
    """Seconds after which an answer goes out at the latest that waits for the next one."""
    of_method: dict[str, int] | None = None
    """What the method itself has to do."""


class Disturb:
    """Carries verbs out."""

    def __init__(self, clock: Clock, effects: Effects) -> None:
        self._clock = clock
        self._effects = effects

    async def before(
        self,
        plan: Plan,
        fired: list[tuple[Rule, int]],
        session: Session,
        connection: Connection,
        row: CallRow,
    ) -> None:
        """Before the call runs."""
        for rule, remaining in fired:
            verb = rule.verb
            if verb == "delay":
                await self._clock.sleep(float(rule.args["ms"]) / 1000)
            elif verb == "media_dc_stall":
                await self._stall(rule)
            elif verb == "drop_request":
                raise LostError
            elif verb == "drop_reply_after_commit":
                plan.withhold = True
            elif verb == "duplicate_reply":
                plan.duplicate = True
            elif verb == "migrate":
                self._migrate(rule, row)
            elif verb == "reorder":
                plan.late = float(rule.args.get("ms", LATE_MS)) / 1000
            elif verb == "unknown_constructor":
                plan.unknown = True
            elif verb in DIFFERENCES:
                plan.of_method = (plan.of_method or {}) | {verb: int(rule.args.get("n", 1))}
            elif verb in {"new_session_created", "duplicate_key_kill"}:
                disturb_session(self._effects, session, verb)
            elif verb == "rpc_error":
                raise rpc_error_of(rule.args)
            elif verb == "flood":
                raise RpcError(420, f"FLOOD_WAIT_{remaining}")
            elif verb in {"revoke_session", "expire_code"}:
                await self._login_verb(rule, session, row)
            elif verb in {"bad_salt", "bad_msg"}:
                self._service_verb(rule, session, row)
            elif disturb_connection(connection, verb, rule.args):
                raise LostError

    async def _stall(self, rule: Rule) -> None:
        seconds = rule.args.get("seconds")
        if seconds is None:
            await rule.over.wait()
        else:
            await self._clock.sleep(float(seconds))

    def _migrate(self, rule: Rule, row: CallRow) -> None:
        """Send the client to another data centre; there it is let through."""
        dc = int(rule.args["dc"])
        if dc == self._effects.dc_id:
            return
        namespace = (row.method or "").partition(".")[0]
        name = rule.args.get("name") or _MIGRATIONS.get(namespace, "USER" if row.phone else "NETWORK")
        raise RpcError(303, f"{str(name).upper().removesuffix('_MIGRATE')}_MIGRATE_{dc}")

    async def _login_verb(self, rule: Rule, session: Session, row: CallRow) -> None:
        if rule.verb == "expire_code":
            if row.phone is not None:
                await self._effects.expire_code(row.phone)
            return
        await self._effects.revoke_login(session.key.login)
        raise RpcError(401, str(rule.args.get("name", "AUTH_KEY_UNREGISTERED")))

    def _service_verb(self, rule: Rule, session: Session, row: CallRow) -> None:
        seq = session.received.seq_of(row.msg_id)
        if rule.verb == "bad_salt":
            self._effects.spoil_salt(session.key.key_id)
            self._effects.bad_salt(session, row.msg_id, seq)
        else:
            self._effects.bad_message(session, row.msg_id, seq, int(rule.args["code"]))
        raise LostError


def rpc_error_of(args: dict[str, Any]) -> RpcError:
    """`name` with `seconds` put where Telegram puts a number, and the code that fits when none is given."""
    name = str(args["name"]).upper()
    seconds = args.get("seconds")
    if seconds is not None:
        name = name.replace("_X", "") if name.endswith("_X") else name
        if not name.rsplit("_", 1)[-1].isdigit():
            name = f"{name}_{int(seconds)}"
    code = args.get("code")
    if code is None:
        code = next((number for prefix, number in _DEFAULT_CODES.items() if name.startswith(prefix)), 400)
    return RpcError(int(code), name)


def disturb_session(effects: Effects, session: Session, verb: str) -> None:
    """Carry out a verb about a session or its key. Raises RpcError where the request in hand is to be refused."""
    if verb == "unknown_constructor":
        session.send(NOBODYS)
    elif verb == "new_session_created":
        effects.renew(session)
    else:
        effects.duplicated(session.key.key_id)
        raise RpcError(406, "AUTH_KEY_DUPLICATED")


def disturb_connection(connection: Connection, verb: str, args: dict[str, Any]) -> bool:
    """Carry out a verb about a connection. True when it ends the connection at once."""
    if verb == "reset":
        connection.reset("fault: reset")
        return True
    if verb == "transport_error":
        connection.send(struct.pack("<i", int(args.get("code", -404))))
        connection.close("fault: transport_error")
        return True
    if verb == "close_tcp" and args.get("when", "now") == "now":
        connection.close("fault: close_tcp")
        return True
    if verb == "close_tcp":
        connection.spoil = _half if args["when"] == "mid_frame" else _after(int(args.get("bytes", 1)))
    elif verb == "garbage":
        connection.send_noise(os.urandom(int(args.get("bytes", 64))))
    elif verb == "truncate_frame":
        connection.spoil = _once(connection, lambda frame: frame[: len(frame) // 2])
    elif verb == "flip_bit":
        connection.spoil = _once(connection, _flipped)
    return False


def _half(frame: bytes) -> tuple[bytes, bool]:
    return frame[: len(frame) // 2], True


def _after(count: int) -> Spoil:
    left = count

    def spoil(frame: bytes) -> tuple[bytes, bool]:
        nonlocal left
        part = frame[:left]
        left -= len(part)
        return part, left <= 0

    return spoil


def _once(connection: Connection, change: Any) -> Spoil:
    def spoil(frame: bytes) -> tuple[bytes, bool]:
        connection.spoil = None
        return change(frame), False

    return spoil


def _flipped(frame: bytes) -> bytes:
    """One bit wrong, in the last quarter, where no framing keeps its length."""
    place = len(frame) - max(1, len(frame) // 4)
    return frame[:place] + bytes((frame[place] ^ 1,)) + frame[place + 1 :]
