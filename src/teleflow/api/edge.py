"""The outermost layer: every request enters here, and every answer leaves with what every answer must have.

Promises: a request id on each answer; security headers on each answer, errors too; a body that is too large
is refused when it says so, or when its bytes say so, and never kept; an exception becomes an envelope; HEAD
and OPTIONS are answered for every route. Hot routes are answered right here, past the framework.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from teleflow.api import facts as facts_module
from teleflow.api.cors import Cors
from teleflow.api.errors import Answer, Headers, Refusal, error_answer, trace_of
from teleflow.api.facts import Facts
from teleflow.api.index import RouteIndex
from teleflow.api.proxies import Proxies
from teleflow.api.v1 import admission
from teleflow.errors import Forbidden, Internal, Invalid, NotFound, TeleFlowError
from teleflow.kit import log
from teleflow.kit.clock import Clock, loop_time
from teleflow.meters import Meters
from teleflow.tracing import Tracing

_log = structlog.get_logger(__name__)
HotRoute = Callable[[Facts, Receive], Awaitable[Answer]]
_STRICT_CSP = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
SECURITY_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", _STRICT_CSP),
    (b"cache-control", b"no-store"),
]
# A page may bring a policy of its own; everything else stands as it is above.
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_REPLACEABLE = {b"content-security-policy", b"cache-control"}
_IN_URL = re.compile(rb"(?i)(?:^|&)[^=&]*(token|key|secret|password|authorization)[^=&]*=")


class Edge:
    """An ASGI application around another one.

    `routes` are all paths with their methods, for OPTIONS and 405. `form_limits`: bytes of a form with files, by path;
    `picture_limit`: of one with a picture, at the paths that end in /photo.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hot: Mapping[tuple[str, str], HotRoute],
        routes: RouteIndex,
        body_limit: int,
        form_limits: Mapping[str, int],
        picture_limit: int,
        clock: Clock,
        meters: Meters | None = None,
        tracing: Tracing | None = None,
        cors: Cors | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self.app = app
        self._hot = dict(hot)
        self._routes = routes
        self._body_limit = body_limit
        self._form_limits = dict(form_limits)
        self._picture_limit = picture_limit
        self._clock = clock
        self._meters = meters
        self._tracing = tracing or Tracing()
        self._cors = cors
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._socket(scope, receive, send)
            return
        began = loop_time()
        facts = Facts.of(scope, self._clock.time(), self._proxies)
        log.telling(facts.request_id)
        exit_ = _Exit(send, facts)
        method = _told_method(facts.method)
        try:
            if scope["path"] == admission.STREAM:
                await self._answer(facts, scope, receive, exit_)
                return
            with self._tracing.span(method, "SERVER", self._tracing.parent(facts.headers.get(b"traceparent"))) as span:
                try:
                    await self._answer(facts, scope, receive, exit_)
                finally:
                    span.rename(f"{method} {exit_.route}")
                    span.note(http__request__method=method, http__route=exit_.route)
                    span.note(http__response__status_code=exit_.status, teleflow__request_id=facts.request_id)
                    if exit_.status >= 500:
                        span.fail(str(exit_.status))
        finally:
            if self._meters is not None and exit_.route != admission.STREAM:  # which lasts as long as its reader likes
                self._meters.request(method, exit_.route, exit_.status, loop_time() - began)

    async def _answer(self, facts: Facts, scope: Scope, receive: Receive, exit_: _Exit) -> None:
        if self._cors is not None:
            facts.told.extend(self._cors.answer(facts))
        try:
            most = self._most(facts, scope)
            facts.check(scope, most)
            limited = _counted(receive, most)
            hot = self._hot.get((facts.method, scope["path"]))
            if hot is not None:
                exit_.route = scope["path"]
                await exit_.answer(await hot(facts, limited))
                return
            if scope["query_string"] and _IN_URL.search(scope["query_string"]):
                _log.warning("http.token_in_url", path=facts_module.shown_path(scope))
            await self._pass_on(facts, scope, limited, exit_)
        except (TeleFlowError, Refusal) as error:
            await exit_.answer(_logged(error, facts, scope))
        except Exception as error:  # noqa: BLE001 - nothing may leave here but an answer
            _log.exception("http.failed", path=facts_module.shown_path(scope), exc_info=error)
            await exit_.answer(error_answer(Internal("unexpected"), facts.request_id))

    def _most(self, facts: Facts, scope: Scope) -> int:
        """Bytes of a body. What is read as a whole is never let grow as large as what goes through piece by piece."""
        path = scope["path"]
        limit = self._picture_limit if path.endswith("/photo") else self._form_limits.get(path)
        if limit is None or facts.media_type()[0] != b"multipart/form-data":
            return self._body_limit
        return limit

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket's handshake. It is refused as any request is: before it is one."""
        facts = Facts.of(scope, self._clock.time(), self._proxies)
        log.telling(facts.request_id)
        exit_ = _Exit(send, facts, prefix="websocket.")
        try:
            facts.check(scope, self._body_limit)
            if scope["path"] != admission.SOCKET:
                raise NotFound("There is nothing at this path")
            self._check_origin(facts, scope)
            await self.app({**scope, facts_module.KEY: facts}, receive, exit_)
        except (TeleFlowError, Refusal) as error:
            await exit_.answer(_logged(error, facts, scope))
        except Exception as error:  # noqa: BLE001 - nothing may leave here but an answer
            _log.exception("http.failed", path=facts_module.shown_path(scope), exc_info=error)
            await exit_.answer(error_answer(Internal("unexpected"), facts.request_id))

    def _check_origin(self, facts: Facts, scope: Scope) -> None:
        """A page of another origin must bring what a browser does not send by itself. Raises Forbidden."""
        origin = facts.headers.get(b"origin")
        if origin is None or {b"authorization", b"x-api-key"} & set(facts.headers) or admission.offers_ticket(scope):
            return
        own = origin.partition(b"://")[2].lower() == facts.headers.get(b"host", b"").lower() != b""
        if b"origin" in facts.repeated or not (own or (self._cors is not None and self._cors.may(facts))):
            raise Forbidden("Pages of this origin may not connect without a ticket", code="ORIGIN_NOT_ALLOWED")

    async def _pass_on(self, facts: Facts, scope: Scope, receive: Receive, exit_: _Exit) -> None:
        place = self._routes.find(scope["path"])
        if place is None:
            raise NotFound("There is nothing at this path")
        exit_.route = place.path
        allowed = _allow(place.methods)
        method = facts.method
        if method == "OPTIONS":
            more = self._cors.preflight(facts, allowed) if self._cors is not None else []
            await exit_.answer(Answer(204, b"", [(b"allow", allowed), *more]))
            return
        wanted = "GET" if method == "HEAD" else method
        if wanted.encode() not in allowed.split(b", "):
            facts.told.append((b"allow", allowed))
            raise Invalid(f"{method[:20]} is not possible here", code="METHOD_NOT_ALLOWED")
        exit_.bodyless = method == "HEAD"
        await self.app({**scope, "method": wanted, facts_module.KEY: facts}, receive, exit_)


def _told_method(method: str) -> str:
    """Callers choose their words; what is counted is one of few."""
    return method if method in _METHODS else "other"


def _allow(methods: set[str]) -> bytes:
    also = {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
    return ", ".join(sorted(methods | also)).encode()


class _Exit:
    """The way out of one request: adds the headers that every answer has. Callable as ASGI's `send`."""

    def __init__(self, send: Send, facts: Facts, *, prefix: str = "") -> None:
        self._send = send
        self._prefix = prefix
        self._request_id = facts.request_id.encode()
        self._started = False
        self._told = facts.told
        self.bodyless = False
        self.route = "none"  # as it is declared
        self.status = 499  # as some servers tell of callers who did not wait for the answer

    async def __call__(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self._started = True
            message = {**message, "headers": [*self._told, (b"x-request-id", self._request_id)]}
        elif message["type"] == "http.response.start":
            self._started = True
            self.status = message["status"]
            given: Headers = list(message.get("headers", ()))
            names = {name for name, _ in given} & _REPLACEABLE
            kept = [header for header in SECURITY_HEADERS if header[0] not in names]
            message = {**message, "headers": [*given, *kept, *self._told, (b"x-request-id", self._request_id)]}
        elif self.bodyless and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    async def answer(self, answer: Answer) -> None:
        if self._started:  # too late to say anything else
            return
        self._started = True
        self.status = answer.status
        headers = [
            *answer.headers,
            (b"content-length", b"%d" % len(answer.body)),
            *SECURITY_HEADERS,
            *self._told,
            (b"x-request-id", self._request_id),
        ]
        if answer.status == 204:
            headers.remove((b"content-length", b"0"))
        start, body = f"{self._prefix}http.response.start", f"{self._prefix}http.response.body"
        await self._send({"type": start, "status": answer.status, "headers": headers})
        await self._send({"type": body, "body": b"" if self.bodyless else answer.body})


def _counted(receive: Receive, limit: int) -> Receive:
    """`receive`, until more than `limit` bytes have come: then it raises."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise Invalid(f"The body has more than {limit} bytes", code="PAYLOAD_TOO_LARGE")
        return message

    return counted


def _logged(error: TeleFlowError | Refusal, facts: Facts, scope: Scope) -> Answer:
    answer = error_answer(error, facts.request_id)
    if answer.status >= 500:
        _log.error(
            "http.error",
            path=facts_module.shown_path(scope),
            status=answer.status,
            error=str(error),
            request_id=facts.request_id,
            exc_info=trace_of(error),
        )
    return answer
