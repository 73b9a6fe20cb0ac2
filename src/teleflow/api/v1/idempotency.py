"""An unsafe request with an Idempotency-Key: carried out once, its answer kept before it is told.

Sends have their key in their job (`outbox`): theirs is not looked at here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from teleflow.api.bodies import read_body
from teleflow.api.facts import Facts
from teleflow.api.v1.access import KEY
from teleflow.model.users import Principal
from teleflow.services.logins import LiveLogin
from teleflow.services.requests import Requests
from teleflow.storage.base import StoredAnswer

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
OF_JOBS = frozenset(
    f"/api/v1/messages/{what}"
    for what in (
        *("send", "reply", "forward"),
        *("media", "album", "poll", "location", "venue", "contact", "dice"),
    )
)
_BOUNDARY = re.compile(rb"""boundary="?([^\s;",]{1,70})""", re.IGNORECASE)
REPLAYED = (b"idempotency-replayed", b"true")
# Refused before anything was done, for reasons that pass: the same request may come again.
_PASSING = frozenset({401, 403, 408, 409, 429, 502, 503})
# What may have been done stays answered so, whatever its status.
_PERHAPS_DONE = frozenset({"OUTCOME_UNKNOWN", "SEND_UNCERTAIN", "INTERNAL_ERROR"})


class _Told(msgspec.Struct, frozen=True):
    code: str = ""


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _Told = _Told()


_decode = msgspec.json.Decoder(_ErrorBody).decode


def wanted(facts: Facts, path: str) -> str | None:
    """The key of a request that is to be carried out once, None for any other. Raises Malformed."""
    if facts.method not in UNSAFE or path in OF_JOBS:
        return None
    return facts.idempotency_key()


async def once(
    app: ASGIApp, requests: Requests, login: LiveLogin, key: str, scope: Scope, receive: Receive, send: Send
) -> None:
    """Pass the request on, unless it came before. Raises Conflict, Invalid."""
    body = await read_body(receive)
    principal = login.principal
    fingerprint = _fingerprint(principal, scope, body)
    begun = await requests.begin(principal.user_id, key, fingerprint)
    if isinstance(begun, StoredAnswer):
        await _tell(begun, send)
        return
    # A process may have died between doing this and keeping its answer: what is made has the same id both times.
    act = hashlib.sha256(f"{principal.user_id} {begun.since} {fingerprint} {key}".encode()).hexdigest()
    begun_at = begun.since if begun.again else None
    scope[KEY] = replace(login, principal=replace(principal, act=act, begun_at=begun_at))
    held = _Held()
    try:
        await app(scope, _given(body, receive), held)
    except Exception:  # what escapes the framework was answered before, or will be by the edge: nothing is known
        await requests.finish(principal.user_id, key, held.answer())
        await held.release(send)
        raise
    answer = held.answer()
    await requests.finish(principal.user_id, key, answer if answer is not None and _stays(answer) else None)
    await held.release(send)


def _fingerprint(principal: Principal, scope: Scope, body: bytes) -> str:
    """What the caller may do belongs to it: an answer is not for a key that could not have asked for it."""
    reach = "*" if principal.session_ids is None else " ".join(sorted(principal.session_ids))
    parts = (
        scope["method"].encode(),
        scope["path"].encode(),
        scope["query_string"],
        " ".join(sorted(principal.scopes)).encode(),
        reach.encode(),
        _without_boundary(scope, body),
    )
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _without_boundary(scope: Scope, body: bytes) -> bytes:
    """A form that comes again has another boundary: each program draws one for each request."""
    told = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    found = _BOUNDARY.search(told) if told.lower().startswith(b"multipart/form-data") else None
    return body if found is None else body.replace(b"--" + found[1], b"--")


def _stays(answer: StoredAnswer) -> bool:
    if answer.status < 500 and answer.status not in _PASSING:
        return True
    try:
        return _decode(answer.body).error.code in _PERHAPS_DONE
    except msgspec.DecodeError:
        return answer.status < 500


def _given(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever comes."""
    left = [body]

    async def give() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return give


async def _tell(stored: StoredAnswer, send: Send) -> None:
    headers = [
        (b"content-type", stored.media_type.encode()),
        (b"content-length", b"%d" % len(stored.body)),
        REPLAYED,
    ]
    await send({"type": "http.response.start", "status": stored.status, "headers": headers})
    await send({"type": "http.response.body", "body": stored.body})


class _Held:
    """An answer that waits until it is kept. Callable as ASGI's `send`."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self._messages.append(message)

    def answer(self) -> StoredAnswer | None:
        if not self._messages:
            return None
        start, *parts = self._messages
        media = next((value for name, value in start.get("headers", ()) if name == b"content-type"), b"")
        body = b"".join(part.get("body", b"") for part in parts)
        return StoredAnswer(start["status"], media.decode("latin-1"), body)

    async def release(self, send: Send) -> None:
        for message in self._messages:
            await send(message)
