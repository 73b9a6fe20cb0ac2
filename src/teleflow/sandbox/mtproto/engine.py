"""The session layer itself: packets from connections in, requests to the methods, answers and updates out.

Promises: nothing that a client sends can raise out of `received`; what no client sends closes its connection and
touches no other. It is the `Receiver` of the transport.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator

import structlog

from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.mtproto import envelope, msg_ids, service, tl
from teleflow.sandbox.mtproto.arithmetic import BusyError
from teleflow.sandbox.mtproto.calls import Calls
from teleflow.sandbox.mtproto.container import Message, contents, judge_number
from teleflow.sandbox.mtproto.gate import Gate
from teleflow.sandbox.mtproto.handshake import ExchangeSettings, Handshake, RejectedError
from teleflow.sandbox.mtproto.keys import AuthKey, KeyStore
from teleflow.sandbox.mtproto.ledger import ConnectionRow, Ledger
from teleflow.sandbox.mtproto.msg_ids import MsgIds
from teleflow.sandbox.mtproto.places import Places, Storm
from teleflow.sandbox.mtproto.salts import Salts
from teleflow.sandbox.mtproto.session import CONTAINER_ID, Session
from teleflow.sandbox.mtproto.sessions import Sessions
from teleflow.sandbox.transport.connection import Connection
from teleflow.sandbox.transport.framing import Packet

_log = structlog.get_logger(__name__)

KEY_UNKNOWN = -404
TOO_MUCH = -429
SWEEP = 0.5
KEY_SWEEP = 60.0
SILENT_TOO_LONG = 60.0
"""Seconds that a new connection may take until its first good packet."""
MAX_EXCHANGES = 4
MAX_KEYS = 32
"""Keys that may be used on one connection; clients use one, or two while they bind a temporary one."""

_HEADER = struct.Struct("<qqqii")
_PLAIN = struct.Struct("<qqi")


class _Link:
    """What the engine knows of a connection."""

    __slots__ = ("exchanges", "handshake", "keys", "row", "sessions")

    def __init__(self, row: ConnectionRow) -> None:
        self.row = row
        self.handshake: Handshake | None = None
        self.exchanges = 0
        self.sessions: list[Session] = []


class Engine:
    """See the module."""

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: Tasks,
        keys: KeyStore,
        salts: Salts,
        ids: MsgIds,
        exchange: ExchangeSettings,
        ledger: Ledger,
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._keys = keys
        self._exchange = exchange
        self._ledger = ledger
        self._ids = ids
        self.salts = salts
        self.calls: Calls
        self.sessions = Sessions(clock, ids, salts)
        self.sessions.left = _left
        self.gate = Gate(keys, now=self.now, used=self.sessions.used, forgotten=salts.forget)
        self.sessions.standing_for = self.gate.bindings.all_of
        self.places = Places()
        self.storm = Storm(clock)
        self.end_login: Callable[[int], None] = lambda _key_id: None
        """Set to what ends the login of a key."""
        self._fresh: dict[Connection, float] = {}
        self._deadlines: dict[Connection, float] = {}
        self._key_sweep = clock.monotonic() + KEY_SWEEP

    def now(self) -> float:
        """Unix time as this server tells it."""
        return self._ids.now()

    # Receiver.

    def opened(self, connection: Connection) -> None:
        connection.state = _Link(self._ledger.connection(connection.number, connection.address))
        self._fresh[connection] = self._clock.monotonic()
        self.storm.opened(connection)

    def closed(self, connection: Connection) -> None:
        self._fresh.pop(connection, None)
        self._deadlines.pop(connection, None)
        self.storm.closed(connection)
        link: _Link = connection.state  # type: ignore[assignment]
        for key_id in link.row.keys:
            self.places.left(key_id, connection)
        self._account(connection, link)
        link.row.ended, link.row.cause = self._ledger.now(), connection.cause
        for session in link.sessions:
            session.connections.remove(connection)
            if not session.live:
                self.sessions.orphaned(session)
        connection.state = None

    def _account(self, connection: Connection, link: _Link) -> None:
        row = link.row
        row.framing = connection.framing
        row.bytes_in, row.bytes_out = connection.bytes_in, connection.bytes_out
        row.packets_in = connection.packets_in

    def account(self, connections: Iterator[Connection]) -> None:
        """Bring the ledger's rows of open connections up to date."""
        for connection in connections:
            if connection.state is not None:
                self._account(connection, connection.state)  # type: ignore[arg-type]

    def received(self, connection: Connection, packet: Packet) -> None:
        payload = packet.payload
        if len(payload) < 8:
            connection.abort("malformed")
            return
        if self.storm.turns_away(connection):
            self.transport_error(connection, TOO_MUCH, "storm")
            return
        key_id = int.from_bytes(payload[:8], "little")
        if key_id == 0:
            self._plain(connection, payload)
            return
        key = self._keys.get(key_id)
        now = self._ids.now()
        if key is None or (key.expires_at is not None and key.expires_at < now):
            self.transport_error(connection, KEY_UNKNOWN, "unknown key")
            return
        try:
            plain = envelope.open_envelope(key.key, payload)
        except envelope.BadEnvelopeError as error:
            _log.info("packet.rejected", connection=connection.number, reason=str(error))
            connection.abort("malformed")
            return
        salt, session_id, msg_id, seq, length = _HEADER.unpack_from(plain)
        padding = len(plain) - _HEADER.size - length
        if length < 4 or length % 4 or not envelope.MIN_PADDING <= padding <= envelope.MAX_PADDING:
            connection.abort("malformed")
            return
        if packet.quick_ack:
            connection.send_quick_ack(envelope.quick_ack_token(key.key, plain))
        known = self.keys_of(connection)
        if key.key_id not in known and len(known) >= MAX_KEYS:
            self.transport_error(connection, TOO_MUCH, "too many keys")
            return
        session = self._session(key, session_id, connection)
        if self.places.heard(key.key_id, connection):
            self.duplicated(key.key_id)
        if not self.salts.valid(key, salt, now):
            self.bad_salt(session, msg_id, seq)
            return
        message = msg_id, seq, plain[_HEADER.size : _HEADER.size + length]
        try:
            self._take(session, connection, message, tl.Budget(), now)
        except (struct.error, ValueError, tl.BadObjectError):
            connection.abort("malformed")

    # Key exchange.

    def _plain(self, connection: Connection, payload: bytes) -> None:
        link: _Link = connection.state  # type: ignore[assignment]
        if len(payload) < _PLAIN.size + 4:
            connection.abort("malformed")
            return
        _, _, length = _PLAIN.unpack_from(payload)
        body = payload[_PLAIN.size : _PLAIN.size + length] if length > 0 else b""
        if body[:4] == struct.pack("<I", service.MSGS_ACK):
            return
        if not body or len(body) != length:
            connection.abort("malformed")
        elif link.exchanges >= MAX_EXCHANGES:
            self.transport_error(connection, TOO_MUCH, "too many key exchanges")
        else:
            link.exchanges += 1
            self._tasks.start(self._exchange_step(connection, link, body), "key exchange")

    async def _exchange_step(self, connection: Connection, link: _Link, body: bytes) -> None:
        try:
            if link.handshake is None:
                link.handshake = Handshake(self._exchange)
            answer = bytes(await link.handshake.answer(tl.read_object(body)))
        except (RejectedError, tl.BadObjectError) as error:
            _log.info("exchange.rejected", connection=connection.number, reason=str(error))
            code = getattr(error, "code", KEY_UNKNOWN)
            self.transport_error(connection, code, "key exchange rejected")
        except BusyError:
            self.transport_error(connection, TOO_MUCH, "busy")
        else:
            self._fresh.pop(connection, None)
            connection.send(_PLAIN.pack(0, self._ids.next(answer=True), len(answer)) + answer)
        finally:
            link.exchanges -= 1

    def transport_error(self, connection: Connection, code: int, cause: str) -> None:
        """Tell the client by the four bytes that stand for an error of the transport, and close."""
        connection.send(struct.pack("<i", code))
        connection.close(cause)

    # Messages.

    def _session(self, key: AuthKey, session_id: int, connection: Connection) -> Session:
        session = self.sessions.get(key, session_id)
        if session.attach(connection):
            self._fresh.pop(connection, None)
            self.sessions.adopted(session)
            link: _Link = connection.state  # type: ignore[assignment]
            link.handshake = None
            link.sessions.append(session)
            if key.key_id not in link.row.keys:
                link.row.keys += (key.key_id,)
            if session.unacked:
                session.resend_after_reconnect()
        return session

    def _take(
        self,
        session: Session,
        connection: Connection,
        message: Message,
        budget: tl.Budget,
        now: float,
        *,
        contained: bool = False,
    ) -> None:
        """One message, from a packet of its own or out of a container."""
        msg_id, seq, body = message
        constructor = int.from_bytes(body[:4], "little")
        if constructor == tl.GZIP_PACKED:
            body = tl.unpack_gzip(body, budget)
            constructor = int.from_bytes(body[:4], "little")
        received = session.received
        code = received.judge_time(msg_id, now)
        if not code and msg_id in received:
            if constructor == CONTAINER_ID:
                code = msg_ids.CONTAINER_REPEATED
            else:
                service.repeated(session, msg_id)
                return
        code = code or judge_number(constructor, seq) or received.judge_seq(msg_id, seq)
        if constructor == CONTAINER_ID:
            messages = None if code or contained else contents(msg_id, body)
            if messages is None:
                self.bad_message(session, msg_id, seq, code or msg_ids.INVALID_CONTAINER)
                return
            for inner in messages:
                if connection.open:
                    self._take(session, connection, inner, budget, now, contained=True)
            received.add(msg_id, seq)
        elif code:
            self.bad_message(session, msg_id, seq, code)
        else:
            received.add(msg_id, seq)
            self._announce(session, msg_id)
            handler = service.HANDLERS.get(constructor)
            if handler is None:
                self.calls.start(session, connection, msg_id, body, budget)
            else:
                handler(self, session, connection, msg_id, body)

    def _announce(self, session: Session, msg_id: int) -> None:
        """A session's first good message: the client learns that what it did not get from before is gone."""
        if not session.announced:
            session.announced = True
            unique = int.from_bytes(os.urandom(8), "little", signed=True)
            session.send(struct.pack("<Iqqq", 0x9EC20908, msg_id, unique, self.sessions.salt_of(session.key)))

    def bad_salt(self, session: Session, msg_id: int, seq: int) -> None:
        """Refuse a message for its salt, and tell the right one."""
        salt = self.sessions.salt_of(session.key)
        body = struct.pack("<Iqiiq", 0xEDAB447B, msg_id, seq, msg_ids.BAD_SALT, salt)
        session.send(body, request=msg_id, content=False)

    def bad_message(self, session: Session, msg_id: int, seq: int, code: int) -> None:
        """Refuse a message for its id or number."""
        session.send(struct.pack("<Iqii", 0xA7EFF811, msg_id, seq, code), request=msg_id, content=False)

    # What service messages and faults ask for.

    def drop_answer(self, session: Session, msg_id: int) -> None:
        self.calls.drop(session, msg_id)

    def disconnect_after(self, connection: Connection, seconds: int) -> None:
        self._deadlines[connection] = self._clock.monotonic() + max(0, seconds)

    def destroy_session(self, key_id: int, session_id: int) -> bool:
        session = self.sessions.find(key_id, session_id)
        if session is None:
            return False
        self.sessions.forget(session)
        return True

    def destroy_key(self, key_id: int) -> None:
        self.sessions.drop_connections(key_id, "key destroyed")
        self.end_login(key_id)
        self.gate.destroy(key_id)

    def duplicated(self, key_id: int) -> None:
        """The key was used from two places at once: its login ends, and everything on it is answered so."""
        login = self.gate.login_of(key_id)
        self.gate.refuse(login, "AUTH_KEY_DUPLICATED")
        self.end_login(login)

    def renew(self, session: Session) -> None:
        """Say once more that the session is new, as a server does that has lost its state."""
        session.announced = False
        self._announce(session, self._ids.next(answer=False))

    def known_keys(self) -> list[int]:
        """Ids of all keys."""
        return [key.key_id for key in self._keys.all()]

    def keys_of(self, connection: Connection) -> tuple[int, ...]:
        """Ids of the keys heard on a connection."""
        link = connection.state
        return link.row.keys if isinstance(link, _Link) else ()

    # The sweeper.

    async def sweep_forever(self) -> None:
        """Late acknowledgements, resending, deadlines, forgetting. Runs until cancelled."""
        while True:
            await self._clock.sleep(SWEEP)
            self._sweep()

    def _sweep(self) -> None:
        self.sessions.sweep()
        now = self._clock.monotonic()
        for connection, deadline in list(self._deadlines.items()):
            if deadline <= now:
                connection.close("ping_delay_disconnect")
        if now >= self._key_sweep:
            self._key_sweep = now + KEY_SWEEP
            self.gate.sweep()
        for connection, opened in list(self._fresh.items()):
            if opened > now - SILENT_TOO_LONG:
                break
            connection.abort("silent")


def _left(session: Session) -> None:
    """A session is being forgotten: its connections, which may go on with others, forget it too."""
    for connection in session.connections:
        link = connection.state
        if isinstance(link, _Link) and session in link.sessions:
            link.sessions.remove(session)
