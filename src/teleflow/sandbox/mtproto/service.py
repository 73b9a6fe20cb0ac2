"""Service messages: what a session layer answers by itself, without asking any method.

Each handler takes the session, the message's id and the body as it came. What is malformed raises; the caller
drops the message.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from teleflow.sandbox.mtproto import tl
from teleflow.sandbox.mtproto.salts import Salts
from teleflow.sandbox.mtproto.session import Outgoing, Session
from teleflow.sandbox.transport.connection import Connection

MSGS_ACK = 0x62D6B459
PING = 0x7ABE77EC
PING_DELAY_DISCONNECT = 0xF3427B8C
MSGS_STATE_REQ = 0xDA69FB52
MSGS_STATE_INFO = 0x04DEB57D
MSGS_ALL_INFO = 0x8CC0D131
MSG_RESEND_REQ = 0x7D861A08
MSG_RESEND_ANS_REQ = 0x8610BAEB
GET_FUTURE_SALTS = 0xB921BD04
RPC_DROP_ANSWER = 0x58E4A740
DESTROY_SESSION = 0xE7512126
DESTROY_AUTH_KEY = 0xD1435160
HTTP_WAIT = 0x9299359F

BIG_ANSWER = 64 * 1024
"""Bytes from which a repeated request is told of its answer (`msg_detailed_info`) instead of getting it again."""
MAX_IDS = 8192


class Engine(Protocol):
    """What service messages ask of the session layer."""

    salts: Salts

    def now(self) -> float: ...

    def drop_answer(self, session: Session, msg_id: int) -> None: ...

    def disconnect_after(self, connection: Connection, seconds: int) -> None: ...

    def destroy_session(self, key_id: int, session_id: int) -> bool: ...

    def destroy_key(self, key_id: int) -> None: ...


Handler = Callable[[Engine, Session, Connection, int, bytes], None]


def _ids(body: bytes) -> tuple[int, ...]:
    """The `Vector<long>` behind a constructor."""
    count = struct.unpack_from("<i", body, 8)[0]
    if not 0 <= count <= MAX_IDS:
        raise ValueError("too many ids")
    return struct.unpack_from(f"<{count}q", body, 12)


def _ack(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:  # noqa: ARG001
    for ours in _ids(body):
        session.forget(ours)


def _ping(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:
    (ping_id,) = struct.unpack_from("<q", body, 4)
    if int.from_bytes(body[:4], "little") == PING_DELAY_DISCONNECT:
        engine.disconnect_after(connection, struct.unpack_from("<i", body, 12)[0])
    session.send(struct.pack("<Iqq", 0x347773C5, msg_id, ping_id), request=msg_id, content=False)


def _future_salts(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:  # noqa: ARG001
    now = engine.now()
    salts = engine.salts.future(session.key, now, struct.unpack_from("<i", body, 4)[0])
    head = struct.pack("<Iqii", 0xAE500895, msg_id, int(now), len(salts))
    rows = b"".join(struct.pack("<iiq", since, until, salt) for since, until, salt in salts)
    session.send(head + rows, request=msg_id, content=False)


def _state_request(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:  # noqa: ARG001
    _send_state(session, msg_id, _ids(body))


def _send_state(session: Session, msg_id: int, wanted: tuple[int, ...]) -> None:
    states = bytearray()
    for asked in wanted:
        state = session.received.state(asked)
        if state == 4 and not session.received.seq_of(asked) & 1:
            state |= 16
        if state & 4:
            state |= 8 if asked not in session.running or asked in session.acked else 0
            if asked in session.running:
                state |= 32
            elif session.answer_to(asked) is not None:
                state |= 32 | 64
        states.append(state)
    body = struct.pack("<Iq", MSGS_STATE_INFO, msg_id) + tl.text(bytes(states))
    session.send(body, request=msg_id, content=False)


def _resend_request(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:  # noqa: ARG001
    wanted = _ids(body)
    kept = [session.unacked.get(ours) for ours in wanted]
    for message in kept:
        if message is not None:
            session.repeat(message)
    if None in kept:
        _send_state(session, msg_id, wanted)


def _resend_answers(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:  # noqa: ARG001
    wanted = _ids(body)
    for asked in wanted:
        answer = session.answer_to(asked)
        if answer is not None:
            session.repeat(answer)
    _send_state(session, msg_id, wanted)


def _drop_answer(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:  # noqa: ARG001
    (request,) = struct.unpack_from("<q", body, 4)
    answer = session.answer_to(request)
    if request in session.running:
        engine.drop_answer(session, request)
        result = struct.pack("<I", 0xCD78E586)  # rpc_answer_dropped_running
        session.send(tl.rpc_result(request, result), request=request)  # the request itself is told the same
    elif answer is not None:
        result = struct.pack("<Iqii", 0xA43AD8B7, answer.msg_id, answer.seq, len(answer.body))
        session.forget(answer.msg_id)
    else:
        result = struct.pack("<I", 0x5E2AD36E)  # rpc_answer_unknown
    session.send(tl.rpc_result(msg_id, result), request=msg_id)


def _destroy_session(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:  # noqa: ARG001
    (other,) = struct.unpack_from("<q", body, 4)
    gone = other != session.id and engine.destroy_session(session.key.key_id, other)
    session.send(struct.pack("<Iq", 0xE22045FC if gone else 0x62D350C9, other), request=msg_id, content=False)


def _destroy_auth_key(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:  # noqa: ARG001
    session.send(struct.pack("<I", 0xF660E1D4), request=msg_id, content=False)
    session.flush()
    engine.destroy_key(session.key.key_id)


def _nothing(engine: Engine, session: Session, connection: Connection, msg_id: int, body: bytes) -> None:
    """`msgs_state_info`, `msgs_all_info`, `http_wait`: heard, and nothing follows from them."""


HANDLERS: dict[int, Handler] = {
    MSGS_ACK: _ack,
    PING: _ping,
    PING_DELAY_DISCONNECT: _ping,
    GET_FUTURE_SALTS: _future_salts,
    MSGS_STATE_REQ: _state_request,
    MSG_RESEND_REQ: _resend_request,
    MSG_RESEND_ANS_REQ: _resend_answers,
    RPC_DROP_ANSWER: _drop_answer,
    DESTROY_SESSION: _destroy_session,
    DESTROY_AUTH_KEY: _destroy_auth_key,
    MSGS_STATE_INFO: _nothing,
    MSGS_ALL_INFO: _nothing,
    HTTP_WAIT: _nothing,
}
"""By constructor."""

FREE_NUMBER = frozenset(HANDLERS)
"""Messages that clients send with either kind of number: some count acknowledgements as content."""


def repeated(session: Session, msg_id: int) -> None:
    """A request has come again: its answer goes out again, or the client is told that it is being worked on."""
    answer = session.answer_to(msg_id)
    if answer is None:
        session.acknowledge([msg_id])
    elif len(answer.body) >= BIG_ANSWER and not answer.withheld:
        session.send(_detailed_info(msg_id, answer), content=False)
    else:
        session.repeat(answer)


def _detailed_info(msg_id: int, answer: Outgoing) -> bytes:
    return struct.pack("<Iqqii", 0x276D3EC6, msg_id, answer.msg_id, len(answer.body), 4 | 32 | 64)
