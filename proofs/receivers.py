"""Endpoints for webhooks: cheap enough that many of them, in this process, do not starve what they judge."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

_SAID = {
    200: b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    404: b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    500: b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops",
    503: b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
    302: b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
}
HANG_UP = 0


@dataclass
class Receiver:
    """`fails`: how likely an attempt fails, of those up to `fails_until`. `delivered`: event id → delivery ids."""

    secret: str
    chance: random.Random
    fails: float = 0.0
    fails_until: int = 2
    port: int = 0
    requests: int = 0
    accepted: int = 0
    unverified: int = 0
    delivered: dict[str, set[str]] = field(default_factory=dict)
    order: list[tuple[str, int]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    _server: Any = None
    _standard: Webhook | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Talk(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def meet(self, headers: dict[str, str], body: bytes) -> int:
        """What to answer; HANG_UP for nothing."""
        self.requests += 1
        if not self._genuine(headers, body):
            self.unverified += 1
        attempt = int(headers["x-teleflow-attempt"])
        status = 200
        if attempt <= self.fails_until and self.chance.random() < self.fails:
            status = self.chance.choice([500, 503, 302, 404, HANG_UP])
        self.statuses[status] += 1
        if status == 200:
            self.accepted += 1
            event = json.loads(body)
            self.delivered.setdefault(event["id"], set()).add(headers["x-teleflow-delivery-id"])
        return status

    def _genuine(self, headers: dict[str, str], body: bytes) -> bool:
        """By the older service's rule, and by Standard Webhooks' own library."""
        expected = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        if self._standard is None:
            self._standard = Webhook(self.secret)
        try:
            self._standard.verify(body, headers)
        except WebhookVerificationError:
            return False
        return (
            headers["x-teleflow-signature"] == expected and headers["webhook-id"] == headers["x-teleflow-delivery-id"]
        )


class _Talk(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            lines = self._buffer[:end].decode("latin-1").split("\r\n")[1:]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            status = self._receiver.meet(headers, body)
            if status == HANG_UP:
                self._transport.abort()
                return
            self._transport.write(_SAID[status])
