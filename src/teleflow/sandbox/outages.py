"""Faults that happen at once: to the listening socket, to open connections, to logins, to the clock.

An outage with `seconds` ends by itself; each ends when its rule is deleted. Several at a time add up: the data
centre listens again when the last refusal is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.faults import Rule
from teleflow.sandbox.mtproto.disturb import Effects, disturb_connection, disturb_session
from teleflow.sandbox.mtproto.engine import Engine
from teleflow.sandbox.mtproto.ledger import Ledger
from teleflow.sandbox.mtproto.msg_ids import MsgIds
from teleflow.sandbox.mtproto.session import Session
from teleflow.sandbox.rpc.base import Rpc, RpcError
from teleflow.sandbox.transport.connection import Connection
from teleflow.sandbox.transport.listener import Listener

_LASTING = frozenset(("refuse", "accept_and_stall", "black_hole", "clock_offset", "slow_read", "storm"))
_OF_SESSIONS = frozenset(("unknown_constructor", "new_session_created", "duplicate_key_kill"))
_DRIP = 0.05
"""Seconds between two sips of a slow reader."""


class Outages:
    """Carries out and ends what happens at once."""

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: Tasks,
        listener: Listener,
        engine: Engine,
        effects: Effects,
        ledger: Ledger,
        ids: MsgIds,
        rpc: Rpc,
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._listener = listener
        self._engine = engine
        self._effects = effects
        self._ledger = ledger
        self._ids = ids
        self._rpc = rpc
        self._lasting: dict[int, Rule] = {}
        self._timers: dict[int, asyncio.Task[None]] = {}

    async def begin(self, rule: Rule, *, counted: bool = True) -> None:
        """Carry out a rule that acts at once; `counted` only by the first of several data centres."""
        if counted:
            rule.fired += 1
            self._ledger.fault(rule.number, rule.verb, rule.match.phone)
        if rule.verb in _LASTING:
            self._begin_lasting(rule)
        elif rule.verb == "expire_code":
            await self._effects.expire_code(rule.match.phone)
        elif rule.verb == "revoke_session":
            for key_id in self._keys_of(rule):
                await self._effects.revoke_login(key_id)
        elif rule.verb == "bad_salt":
            for key_id in self._keys_of(rule):
                self._effects.spoil_salt(key_id)
        elif rule.verb in _OF_SESSIONS:
            for session in self._sessions_of(rule):
                with contextlib.suppress(RpcError):  # for the request in hand, and there is none
                    disturb_session(self._effects, session, rule.verb)
        else:
            for connection in self._connections_of(rule):
                disturb_connection(connection, rule.verb, rule.args)

    def bar(self, rule: Rule) -> None:
        """Nobody gets in here, and nobody stays, while a rule about another data centre is in force."""
        self._lasting[rule.number] = rule
        self._listener.refuse()
        for connection in self._listener:
            connection.abort(f"fault: {rule.verb}")

    def _begin_lasting(self, rule: Rule) -> None:
        self._lasting[rule.number] = rule
        verb, args = rule.verb, rule.args
        if verb == "refuse":
            self._listener.refuse()
        elif verb == "accept_and_stall":
            self._listener.stalling = True
        elif verb == "clock_offset":
            self._ids.offset += float(args["seconds"])
        elif verb == "storm":
            self._engine.storm.limit = int(args["limit"])
        elif verb == "slow_read":
            self._tasks.start(self._drip(rule), "slow reading")
        else:
            self._listener.stalling = rule.match.phone is None or self._listener.stalling
            for connection in self._connections_of(rule):
                connection.stall()
        if verb in {"refuse", "accept_and_stall"} and args.get("close", True):
            for connection in self._connections_of(rule):
                connection.abort(f"fault: {verb}")
        seconds = args.get("seconds") if verb != "clock_offset" else None
        if seconds is not None:
            self._timers[rule.number] = self._tasks.start(self._end_after(rule, float(seconds)), f"outage {verb}")

    async def _end_after(self, rule: Rule, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._timers.pop(rule.number, None)
        await self.end(rule)

    async def end(self, rule: Rule) -> None:
        """The rule is over. Raises OSError when somebody else has taken the port meanwhile."""
        if self._lasting.pop(rule.number, None) is None:
            return
        timer = self._timers.pop(rule.number, None)
        if timer is not None:
            timer.cancel()
        if rule.verb == "clock_offset":
            self._ids.offset -= float(rule.args["seconds"])
            return
        left = list(self._lasting.values())
        if rule.verb == "storm":
            self._engine.storm.limit = min((int(o.args["limit"]) for o in left if o.verb == "storm"), default=None)
            return
        if rule.verb == "slow_read":
            return  # its task sees that it is over
        if not any(other.verb in {"refuse", "migrate"} for other in left):
            await self._listener.start()
        self._listener.stalling = any(
            other.verb == "accept_and_stall" or (other.verb == "black_hole" and other.match.phone is None)
            for other in left
        )
        if not any(other.verb in {"accept_and_stall", "black_hole"} for other in left):
            for connection in self._listener:
                connection.recover()

    async def _drip(self, rule: Rule) -> None:
        """Let what clients write trickle in, until the rule is over."""
        slow: set[Connection] = set()
        while rule.number in self._lasting:
            for connection in self._connections_of(rule):
                if connection not in slow:
                    slow.add(connection)
                    connection.throttle()
                connection.drip(max(1, int(float(rule.args["bytes"]) * _DRIP)))
            slow = {connection for connection in slow if connection.open}
            await self._clock.sleep(_DRIP)
        for connection in slow:
            connection.recover()

    def _sessions_of(self, rule: Rule) -> list[Session]:
        """The connected sessions that the rule is about."""
        phone, login_of = rule.match.phone, self._engine.gate.login_of
        return [
            session
            for session in self._engine.sessions
            if session.live and (phone is None or self._rpc.person_of(login_of(session.key.key_id)) == phone)
        ]

    def _connections_of(self, rule: Rule) -> list[Connection]:
        """The open connections that the rule is about: one person's, or all."""
        phone = rule.match.phone
        if phone is None:
            return list(self._listener)
        return [connection for connection in self._listener if self._belongs(connection, phone)]

    def _belongs(self, connection: Connection, phone: str) -> bool:
        return any(
            self._rpc.person_of(self._engine.gate.login_of(key_id)) == phone
            for key_id in self._engine.keys_of(connection)
        )

    def _keys_of(self, rule: Rule) -> list[int]:
        phone = rule.match.phone
        login_of = self._engine.gate.login_of
        owners: dict[int, Any] = {each: self._rpc.person_of(login_of(each)) for each in self._engine.known_keys()}
        return [key_id for key_id, owner in owners.items() if owner is not None and phone in {None, owner}]
