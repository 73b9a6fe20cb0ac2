"""The data centre put together: listener, session layer, methods, world, faults.

Promises: after `start` it serves on `host:port`; after `stop` no task, thread or socket of it is left. It has one
event loop and no global state, so several can run in one process.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import structlog
from telethon.tl.alltlobjects import LAYER

from teleflow.kit.clock import Clock, SystemClock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.faults import OF_WORLD, Faults, Rule
from teleflow.sandbox.mtproto.arithmetic import ArithmeticPool
from teleflow.sandbox.mtproto.calls import Calls
from teleflow.sandbox.mtproto.disturb import Disturb
from teleflow.sandbox.mtproto.engine import Engine
from teleflow.sandbox.mtproto.handshake import ExchangeSettings
from teleflow.sandbox.mtproto.keys import AuthKey, FileKeyStore, KeyStore, MemoryKeyStore
from teleflow.sandbox.mtproto.ledger import LIMIT, Ledger
from teleflow.sandbox.mtproto.msg_ids import MsgIds
from teleflow.sandbox.mtproto.rsa import ServerKey
from teleflow.sandbox.mtproto.salts import PERIOD, Salts
from teleflow.sandbox.mtproto.session import Session
from teleflow.sandbox.outages import Outages
from teleflow.sandbox.rpc.base import Push, Rpc
from teleflow.sandbox.transport.listener import Listener

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How a data centre is set up. `None` stands for: made up at start and gone with it."""

    host: str = "127.0.0.1"
    port: int = 0
    dc_id: int = 2
    key: ServerKey | None = None
    more_keys: tuple[ServerKey, ...] = ()
    """RSA keys that clients may use besides, as in the time in which Telegram replaces one."""
    key_file: Path | None = None
    state_dir: Path | None = None
    pq_bits: int = 62
    """Size of the number that a new client has to factorise; a smaller one makes many logins cheaper."""
    salt_period: int = PERIOD
    ledger_limit: int = LIMIT
    """Rows that are kept of connections, and of calls; the oldest go first."""
    dcs: tuple[int, ...] = ()
    """Further data centres beside `dc_id`, over the same world (`sandbox.cluster`)."""


class Worldly(Protocol):
    """Carries out and ends the verbs about the world."""

    def begin(self, rule: Rule) -> None: ...

    def end(self, rule: Rule) -> None: ...


class Backend:
    """What the session layer needs from above: the methods, and what faults do to logins and to the world."""

    def __init__(
        self,
        rpc: Rpc,
        *,
        attach: Callable[[Push], None],
        revoke: Callable[[int], None],
        expire_code: Callable[[str | None], object],
        worldly: Worldly | None = None,
    ) -> None:
        self.rpc = rpc
        self.attach = attach
        self.revoke = revoke
        self.expire_code = expire_code
        self.worldly = worldly


class DataCentre:
    """One data centre. `backend` is called with it at start, when its address is known."""

    def __init__(
        self,
        options: Options,
        backend: Callable[[DataCentre], Backend],
        *,
        clock: Clock | None = None,
        faults: Faults | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._options = options
        self._make_backend = backend
        self.clock = clock or SystemClock()
        self.faults = faults or Faults(self.clock)
        self.ledger = ledger or Ledger(self.clock, options.ledger_limit)
        # the others of a cluster: what is done at once is done to them too
        self.siblings: list[DataCentre] = []
        self._tasks = Tasks("sandbox")
        self._pool = ArithmeticPool()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._ids = MsgIds(self.clock)
        self.host = options.host
        self.port = options.port
        self.dc_id = options.dc_id
        self.layer: int = LAYER

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Make or read the key, listen. Raises OSError when the address is taken, ValueError for a bad key file."""
        options = self._options
        if options.state_dir is None and options.key_file is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="teleflow-sandbox-")
        key = options.key if options.key is not None else await asyncio.to_thread(self._load_key)
        self.key = key
        self.public_key_pem = key.public_pem
        self.public_key_file = self._write_public_key()
        self.keys: KeyStore = MemoryKeyStore()
        if options.state_dir is not None:
            self.keys = FileKeyStore(options.state_dir / "auth-keys.jsonl")
        self._salts = Salts(key.secret, options.salt_period)
        exchange = ExchangeSettings(
            keys=(key, *options.more_keys),
            pool=self._pool,
            now=self._ids.now,
            made=self._key_made,
            dc_id=self.dc_id,
            pq_bits=options.pq_bits,
        )
        self.engine = Engine(
            clock=self.clock,
            tasks=self._tasks,
            keys=self.keys,
            salts=self._salts,
            ids=self._ids,
            exchange=exchange,
            ledger=self.ledger,
        )
        self.listener = Listener(self.engine, options.host, options.port, self.ledger.connection_numbers)
        self._backend = self._make_backend(self)
        self._backend.attach(self.engine.sessions)
        disturb = Disturb(self.clock, self)
        self.engine.gate.person_of = self._backend.rpc.person_of
        self.engine.end_login = self._backend.revoke
        self.engine.calls = Calls(
            self._backend.rpc,
            gate=self.engine.gate,
            faults=self.faults,
            disturb=disturb,
            ledger=self.ledger,
            tasks=self._tasks,
            clock=self.clock,
        )
        self.outages = Outages(
            clock=self.clock,
            tasks=self._tasks,
            listener=self.listener,
            engine=self.engine,
            effects=self,
            ledger=self.ledger,
            ids=self._ids,
            rpc=self._backend.rpc,
        )
        await self.listener.start()
        self.port = self.listener.port
        self._tasks.start(self.engine.sweep_forever(), "sweeper")
        _log.info("sandbox.listening", host=self.host, port=self.port, dc=self.dc_id)

    async def stop(self) -> None:
        """Drop every connection and let go of everything. May be called after a failed start, and twice."""
        if hasattr(self, "listener"):
            await self.listener.stop()
        await self._tasks.close()
        self._pool.close()
        if hasattr(self, "keys"):
            self.keys.close()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    # The key and its files.

    @property
    def _home(self) -> Path:
        if self._options.state_dir is not None:
            return self._options.state_dir
        if self._temporary is not None:
            return Path(self._temporary.name)
        return (self._options.key_file or Path()).parent

    def _load_key(self) -> ServerKey:
        if self._options.key_file is None and self._temporary is not None:
            return ServerKey.generate()
        return ServerKey.load_or_generate(self._options.key_file or self._home / "dc-key.pem")

    def _write_public_key(self) -> Path:
        name = self._options.key_file.stem if self._options.key_file is not None else "dc-key"
        path = (self._home / f"{name}.pub.pem").absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.public_key_pem, "ascii")
        return path

    def _key_made(self, key: AuthKey) -> bool:
        if self.keys.get(key.key_id) is not None:
            return False
        self.keys.put(key)
        return True

    # What faults do beyond calls and connections (`disturb.Effects`).

    def spoil_salt(self, key_id: int) -> None:
        self._salts.spoil(key_id)

    def bad_salt(self, session: Session, msg_id: int, seq: int) -> None:
        self.engine.bad_salt(session, msg_id, seq)

    def bad_message(self, session: Session, msg_id: int, seq: int, code: int) -> None:
        self.engine.bad_message(session, msg_id, seq, code)

    def renew(self, session: Session) -> None:
        self.engine.renew(session)

    def duplicated(self, key_id: int) -> None:
        self.engine.duplicated(key_id)

    async def revoke_login(self, key_id: int) -> None:
        self._backend.revoke(key_id)
        self.engine.sessions.revoke(key_id)

    async def expire_code(self, phone: str | None) -> None:
        self._backend.expire_code(phone)

    # For tests and the control API.

    @property
    def rpc(self) -> Rpc:
        return self._backend.rpc

    async def add_fault(
        self, verb: str, match: dict[str, Any] | None = None, args: dict[str, Any] | None = None
    ) -> Rule:
        """Put a fault rule in force; what acts at once has acted when this returns. Raises faults.FaultError."""
        rule = self.faults.add(verb, match, args)
        self._bar(rule)
        if _of_world(rule):
            rule.fired += 1
            self.ledger.fault(rule.number, rule.verb, rule.match.phone)
            if self._backend.worldly is not None:
                self._backend.worldly.begin(rule)
        elif rule.at_once:
            await self.outages.begin(rule)
            for sibling in self.siblings:
                await sibling.outages.begin(rule, counted=False)
        return rule

    async def remove_fault(self, number: int) -> bool:
        """End a rule. False when there is none with this number."""
        rule = self.faults.remove(number)
        if rule is None:
            return False
        await self._end([rule])
        return True

    async def clear_faults(self) -> None:
        await self._end(self.faults.clear())

    async def _end(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            if _of_world(rule) and self._backend.worldly is not None:
                self._backend.worldly.end(rule)
            for each in (self, *self.siblings):
                with contextlib.suppress(OSError):
                    await each.outages.end(rule)

    def _bar(self, rule: Rule) -> None:
        """`migrate` to a data centre that cannot be reached while the rule is in force."""
        if rule.verb != "migrate" or rule.args.get("reachable", True):
            return
        for sibling in self.siblings:
            if sibling.dc_id == rule.args["dc"]:
                sibling.outages.bar(rule)


def _of_world(rule: Rule) -> bool:
    """Whether the world carries it out: a move is an answer when it is about calls."""
    return rule.verb in OF_WORLD or (rule.verb == "migrate" and rule.at_once)
