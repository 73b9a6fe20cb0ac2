"""Isolation, from the OpenAPI document: each operation is asked with a stranger's id in each place that takes one.

Promises to find: an answer that is not 404 (403 where only admins may), one that differs from that for an id which
nobody has, anything that changed, and anything that reached Telegram through the stranger's account.
"""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proofs.api.fields import PLAIN, WORD, Field, Operation, operations
from proofs.api.stand import PHONES, Owner, Stand
from proofs.wire import Caller, Reply

NOBODYS: Mapping[str, Any] = {
    "session": "ses_01k0000000000000000000000",
    "chat": "-1009999999999",
    "group": "-999999999",
    "person": "999999999",
    "message": 2_000_000_000,
    "file": "A" * 120,
    "job": "job_01k0000000000000000000000",
    "key": "key_01k0000000000000000000000",
    "webhook": "whk_01k0000000000000000000000",
    "delivery": "dlv_01k0000000000000000000000",
    "recovery": "rcv_01k0000000000000000000000",
    "broadcast": "bct_01k0000000000000000000000",
    "opt-out": "out_01k0000000000000000000000",
    "user": "usr_01k0000000000000000000000",
    "username": "nobody-at-all",
}
"""Ids of the right form that nobody has."""
MORE = {"chat": ("chat", "group", "person")}
"""Kinds of which there is more than one sort."""
CODES = {
    "session": "SESSION_NOT_FOUND",
    "chat": "PEER_NOT_FOUND",
    "group": "PEER_NOT_FOUND",
    "person": "PEER_NOT_FOUND",
    "message": "MESSAGE_NOT_FOUND",
    "file": "FILE_NOT_FOUND",
    "job": "JOB_NOT_FOUND",
    "key": "KEY_NOT_FOUND",
    "webhook": "WEBHOOK_NOT_FOUND",
    "delivery": "DELIVERY_NOT_FOUND",
    "recovery": "RECOVERY_NOT_FOUND",
    "broadcast": "BROADCAST_NOT_FOUND",
    "opt-out": "OPT_OUT_NOT_FOUND",
    "user": "USER_NOT_FOUND",
    "username": "USER_NOT_FOUND",
}
"""It is this thing that is not found, and no other: else the place was never looked at."""
OWN = {"chat": "person"}
"""Where the caller's own message is."""
QUIET = frozenset({"updates.getState", "updates.getDifference", "updates.getChannelDifference"})
"""What a session asks by itself."""

_LOOKS, _LOOK_EVERY_S = 80, 0.25


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: who asked, whose id stood where."""

    operation: Operation
    by: str
    field: Field
    sort: str

    @property
    def title(self) -> str:
        return f"{self.operation.name} as {self.by}, {self.field.place} {self.field.name} ({self.sort})"


@dataclass
class Matrix:
    """What was found. `places` are pairs of an operation and a field; `without` have no field for an id."""

    operations: int = 0
    requests: int = 0
    places: set[tuple[str, str]] = field(default_factory=set)
    without: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)


async def isolation(stand: Stand, document: Mapping[str, Any]) -> Matrix:
    matrix = Matrix()
    ann, ben, admin = (stand.owners[name] for name in ("ann", "ben", "admin"))
    await _quiet(stand)
    before, since = await _state(stand, ann), await stand.sandbox.last_call()
    for operation in operations(document):
        matrix.operations += 1
        if operation.scope is None or not any(one.kind for one in operation.fields):
            matrix.without.append(operation.name)
            continue
        for one in operation.fields:
            if one.kind is None:
                continue
            matrix.places.add((operation.name, f"{one.place} {one.name}"))
            for sort in MORE.get(one.kind, (one.kind,)):
                asked = Asked(operation, "another user", one, sort)
                await _ask(matrix, asked, ben.caller, ben, ann.ids[sort])
                if not operation.needs_admin:
                    await _ask(matrix, Asked(operation, "an admin", one, sort), admin.caller, admin, ann.ids[sort])
                if operation.path.startswith("/api/v1") and ben.limited is not None:
                    asked = Asked(operation, "a key", one, sort)
                    await _ask(matrix, asked, ben.limited, ben, ann.ids[sort])
            if one.kind in {"session", "job"} and ben.limited is not None and operation.path.startswith("/api/v1"):
                asked = Asked(operation, "a key for another session", one, one.kind)
                await _ask(matrix, asked, ben.limited, ben, ben.ids[f"second {one.kind}"])
    calls = await stand.sandbox.control.get(f"/ledger/calls?since={since}&limit=100000")
    if await _state(stand, ann) != before:
        matrix.findings.append("something of the stranger's has changed")
    for row in calls:
        if row["phone"] == PHONES["ann"] and row["method"] not in QUIET:
            matrix.findings.append(f"{row['method']} was called through the stranger's account")
    return matrix


async def _quiet(stand: Stand) -> None:
    """Wait until Ann's session has looked through its chats by itself: within its first 15 s, and not again soon."""
    looked = f"/ledger/calls?phone={urllib.parse.quote(PHONES['ann'])}&method=messages.getDialogs"
    for _ in range(_LOOKS):
        if len(await stand.sandbox.control.get(looked)) > 2:  # one of them is ours
            return
        await asyncio.sleep(_LOOK_EVERY_S)


async def _ask(matrix: Matrix, asked: Asked, caller: Caller, owner: Owner, foreign: Any) -> None:
    replies = []
    for value in (foreign, NOBODYS[asked.sort]):
        path, body = _request(asked.operation, owner, asked.field, value)
        reply = await caller.ask(asked.operation.method, path, body)
        matrix.requests += 1
        replies.append(reply)
    matrix.statuses[replies[0].status] += 1
    if not _refused(asked, replies[0]):
        matrix.findings.append(f"{asked.title}: {replies[0].status} {replies[0].body[:160].decode()}")
    elif _told(replies[0], foreign) != _told(replies[1], NOBODYS[asked.sort]):
        told = [reply.body[:160].decode() for reply in replies]
        matrix.unlike.append(f"{asked.title}: {told[0]} but {told[1]} where nobody has the id")


def _refused(asked: Asked, reply: Reply) -> bool:
    if asked.operation.needs_admin and asked.by != "an admin":
        return reply.status == 403
    return reply.status == 404 and json.loads(reply.body)["error"]["code"] == CODES[asked.sort]


def _told(reply: Reply, given: Any) -> tuple[int, Any]:
    """What was answered, without what differs each time: the numbers of the request and its job, and the id."""
    told = json.loads(reply.body)
    told.pop("jobId", None)
    told.get("error", {}).pop("requestId", None)
    (told.get("error", {}).get("details") or {}).pop("jobId", None)
    return reply.status, json.loads(json.dumps(told).replace(str(given), "ID"))


def _request(operation: Operation, owner: Owner, place: Field, value: Any) -> tuple[str, dict[str, Any] | None]:
    """All that is required, with the caller's own ids, and `value` in one place."""
    path, query, body = operation.path, [], {}
    for one in operation.fields:
        if one is place:
            given = value
        elif one.name == "items":
            given = [{"fileId": owner.ids["file"]}] * 2
        elif one.required:
            given = owner.ids[OWN.get(one.kind, one.kind)] if one.kind is not None else PLAIN.get(one.name, WORD)
        elif one.kind in {"chat", "file"}:
            given = owner.ids["person" if one.kind == "chat" else "file"]
        else:
            continue
        if one.place == "path":
            path = path.replace("{" + one.name + "}", urllib.parse.quote(str(given), safe=""))
        elif one.place == "query":
            query.append((one.name, str(given)))
        else:
            body[one.name] = [given] if one.many and not isinstance(given, list) else given
    if query:
        path += "?" + urllib.parse.urlencode(query)
    in_body = any(one.place == "body" for one in operation.fields)
    return path, body if in_body else None


async def _state(stand: Stand, owner: Owner) -> Any:
    """Everything of an owner that could have changed: as the service tells it, and as the data centre has it."""
    paths = ["/auth/me", "/keys", "/jobs?limit=200", "/sessions", "/webhooks", "/broadcasts", "/opt-outs"]
    session = owner.ids["session"]
    for chat in (owner.ids["chat"], owner.ids["group"], owner.ids["person"]):
        paths.append(f"/messages/history?sessionId={session}&chatId={chat}&limit=100")
        paths.append(f"/chats/{chat}?sessionId={session}")
    told = []
    for path in paths:
        reply = await owner.caller.ask("GET", f"/api/v1{path}")
        told.append(_steady(reply.json()))
    phone = urllib.parse.quote(PHONES[owner.name])
    told.append(await stand.sandbox.control.get(f"/ledger/messages?phone={phone}&limit=100000"))
    told.append(await stand.sandbox.control.get(f"/ledger/updates?phone={phone}&limit=100000"))
    return told


def _steady(value: Any) -> Any:
    """Without the moments at which something was last used."""
    if isinstance(value, dict):
        return {key: _steady(one) for key, one in value.items() if key not in {"lastUsedAt", "lastConnected"}}
    return [_steady(one) for one in value] if isinstance(value, list) else value
