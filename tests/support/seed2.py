"""A database as the older full gateway made it: its tables, its way to seal, its forms of ids and instants."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import sqlite3
import struct
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

OLD_KEY = "an old key"  # it asked for no length
NOW = 1_782_765_009_222
_SNAKE = """
CREATE TABLE "sessions" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "phoneNumber" TEXT NOT NULL,
  "session_string" TEXT, "is_active" BOOLEAN NOT NULL DEFAULT false, "is_authorized" BOOLEAN NOT NULL DEFAULT false,
  "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_at" DATETIME NOT NULL, "last_connected" DATETIME);
CREATE TABLE "api_keys" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "key" TEXT NOT NULL,
  "role" TEXT NOT NULL DEFAULT 'user', "is_active" BOOLEAN NOT NULL DEFAULT true,
  "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "expires_at" DATETIME);
CREATE TABLE "webhooks" ("id" TEXT NOT NULL PRIMARY KEY, "url" TEXT NOT NULL, "secret" TEXT, "events" TEXT NOT NULL,
  "is_active" BOOLEAN NOT NULL DEFAULT true, "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" DATETIME NOT NULL);
CREATE TABLE "webhook_deliveries" ("id" TEXT NOT NULL PRIMARY KEY, "webhook_id" TEXT NOT NULL, "event" TEXT NOT NULL,
  "payload" TEXT NOT NULL, "status" INTEGER NOT NULL, "response" TEXT, "duration" INTEGER NOT NULL,
  "success" BOOLEAN NOT NULL, "attempts" INTEGER NOT NULL DEFAULT 1,
  "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  FOREIGN KEY ("webhook_id") REFERENCES "webhooks" ("id") ON DELETE CASCADE);
CREATE TABLE "audit_logs" ("id" TEXT NOT NULL PRIMARY KEY, "action" TEXT NOT NULL, "resource" TEXT NOT NULL);
"""
_CAMEL = {
    "session_string": "sessionString", "is_active": "isActive", "is_authorized": "isAuthorized",
    "created_at": "createdAt", "updated_at": "updatedAt", "last_connected": "lastConnected", "expires_at": "expiresAt",
    "webhook_id": "webhookId", "api_keys": "ApiKey", "webhook_deliveries": "WebhookDelivery",
}  # fmt: skip


class OldGateway:
    """Its file at `path`. `camel`: tables and columns as its models name them."""

    def __init__(self, path: Path, *, camel: bool = False) -> None:
        self.path = path
        self._camel = camel
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(self._named(_SNAKE))
            connection.execute("INSERT INTO audit_logs VALUES ('a', 'b', 'c')")
            connection.commit()

    def session(self, id_: str, name: str, login: str | None, *, key: str = OLD_KEY, phone: str = "+15550001") -> None:
        sealed = None if login is None else seal(login, key)
        self._add("sessions", id=id_, name=name, phoneNumber=phone, session_string=sealed, is_active=1,
                  is_authorized=int(login is not None), created_at=NOW, updated_at=NOW, last_connected=NOW)  # fmt: skip

    def key(self, id_: str, key: str, **more: Any) -> None:
        given: dict[str, Any] = {"name": f"name of {id_}", "created_at": "2026-06-29 20:30:09", **more}
        self._add("api_keys", id=id_, key=key, **given)

    def webhook(self, id_: str, url: str, events: list[str], secret: str | None) -> None:
        self._add("webhooks", id=id_, url=url, secret=secret, events=json.dumps(events), created_at=NOW, updated_at=NOW)

    def delivery(self, id_: str, webhook: str, *, status: int, response: str | None, at: int) -> None:
        payload = {"id": f"event of {id_}", "type": "message.received", "sessionId": "cm1", "data": {"text": "hello"}}
        self._add("webhook_deliveries", id=id_, webhook_id=webhook, event="message.received",
                  payload=json.dumps(payload), status=status, response=response, duration=12,
                  success=int(200 <= status < 300), attempts=1 if status == 200 else 3, created_at=at)  # fmt: skip

    def deliveries(self, webhook: str, count: int) -> None:
        """Many, each of which was taken."""
        columns = self._named(
            "id, webhook_id, event, payload, status, response, duration, success, attempts, created_at"
        )
        into = f"INSERT INTO {self._named('webhook_deliveries')} ({columns}) VALUES (?, ?, ?, ?, 200, 'ok', 5, 1, 1, ?)"
        rows = ((f"many{n}", webhook, "message.received", json.dumps({"id": f"e{n}"}), NOW + n) for n in range(count))
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.executemany(into, rows)
            connection.commit()

    def _add(self, table: str, **values: Any) -> None:
        columns = self._named(", ".join(f'"{name}"' for name in values))
        into = f'INSERT INTO "{self._named(table)}" ({columns}) VALUES ({", ".join("?" * len(values))})'
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.execute(into, tuple(values.values()))
            connection.commit()

    def _named(self, text: str) -> str:
        if self._camel:
            for snake, camel in _CAMEL.items():
                text = text.replace(snake, camel)
        return text


def seal(text: str, key: str) -> str:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(16)
    stretched = hashlib.scrypt(key.encode(), salt=salt, n=16384, r=8, p=1, maxmem=2**26, dklen=32)
    sealed = AESGCM(stretched).encrypt(nonce, text.encode(), None)
    return ":".join(base64.b64encode(part).decode() for part in (salt, nonce, sealed[-16:], sealed[:-16]))


def gramjs(dc_id: int, host: str, port: int, auth_key: bytes) -> str:
    place = host.encode()
    packed = struct.pack(">BH", dc_id, len(place)) + place + struct.pack(">H", port) + auth_key
    return "1" + base64.b64encode(packed).decode()
