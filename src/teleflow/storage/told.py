"""Events of what the service itself does: what each tells. Every database tells it in the transaction of the act.

Their ids follow from the session or the job and from what became of it when.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from teleflow.model.broadcasts import Broadcast, BroadcastState
from teleflow.model.events import EventType, NewEvent, event_id
from teleflow.model.jobs import SendJob
from teleflow.model.media import FileRef
from teleflow.model.pacing import Hold
from teleflow.model.sessions import SessionState
from teleflow.model.webhooks import Disabled, Webhook
from teleflow.wire.events import event_body
from teleflow.wire.instants import iso
from teleflow.wire.jobs import told_job

_S = SessionState
_T = EventType
_LINKED = frozenset({_S.ONLINE, _S.FLOOD_HELD, _S.RESTRICTED, _S.FROZEN})  # there is a connection that works


def row_of(event: NewEvent) -> dict[str, Any]:
    """An event as it is stored, but for its number."""
    return {
        "id": event.id,
        "type": event.type.value,
        "session_id": event.session_id,
        "chat_id": event.chat_id,
        "at": event.at,
        "body": event_body(event.id, event.type.value, event.session_id, event.at, event.data),
    }


def created(session_id: str, phone: str | None, now: int) -> NewEvent:
    return _of(session_id, _T.SESSION_CREATED, {"phoneNumber": phone}, now)


def authorized(session_id: str, method: str, now: int) -> NewEvent:
    """`method`: code, password, qr or import."""
    return _of(session_id, _T.SESSION_AUTHORIZED, {"method": method}, now, now)


def deleted(session_id: str, now: int) -> NewEvent:
    return _of(session_id, _T.SESSION_DELETED, {}, now)


def state_changed(
    session_id: str, before: SessionState, state: SessionState, cause: str | None, now: int
) -> list[NewEvent]:
    """Nothing for a state that stays; else the change, and the connection's coming or going where it is one."""
    if before is state:
        return []
    data = {"state": state.value, "cause": cause, "previous": before.value}
    told = [_of(session_id, _T.SESSION_STATE_CHANGED, data, now, before.value, state.value, now)]
    if (before in _LINKED) != (state in _LINKED):
        type_ = _T.SESSION_CONNECTED if state in _LINKED else _T.SESSION_DISCONNECTED
        why = {} if cause is None else {"cause": cause}
        told.append(_of(session_id, type_, why, now, state.value, now))
    return told


def flood_wait(hold: Hold, now: int) -> NewEvent:
    data = {
        "method": hold.method,
        "scope": hold.scope,
        "seconds": math.ceil((hold.until - now) / 1000),
        "until": iso(hold.until),
        "code": hold.code,
    }
    return _of(hold.session_id, _T.SESSION_FLOOD_WAIT, data, now, hold.method, hold.scope, hold.until)


def settled(job: SendJob, now: int) -> NewEvent:
    """The job as callers are told it, but of what it became only the ids: contents of jobs are kept sealed."""
    data = told_job(job, _no_file)
    if "message" in data:
        data["message"] = _ids(data["message"])
    if "messages" in data:
        data["messages"] = [_ids(one) for one in data["messages"]]
    return _of(job.session_id, _T.JOB_SETTLED, data, now, job.id, job.state.value, chat_id=job.chat_id)


def broadcast_changed(before: Broadcast, state: BroadcastState, cause: str | None, now: int) -> NewEvent:
    data = {"broadcastId": before.id, "state": state.value, "previous": before.state.value, "cause": cause}
    return _of(
        before.session_id, _T.BROADCAST_STATE_CHANGED, data, now, before.id, before.state.value, state.value, now
    )


def webhook_disabled(webhook: Webhook, because: Disabled, now: int) -> NewEvent:
    data = {"webhookId": webhook.id, "url": webhook.url, "reason": because.value, "failingSince": None}
    if webhook.failing_since is not None:
        data["failingSince"] = iso(webhook.failing_since)
    id_ = event_id(webhook.user_id, _T.WEBHOOK_DISABLED, webhook.id, now)
    return NewEvent(id_, _T.WEBHOOK_DISABLED, None, now, data)


def _no_file(file: FileRef, *, thumb: str = "") -> str:  # noqa: ARG001 - a shape of its own has no file
    return ""


def _ids(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: message[name] for name in ("id", "chatId", "date")}


def _of(
    session_id: str, type_: EventType, data: Mapping[str, Any], now: int, *key: object, chat_id: int | None = None
) -> NewEvent:
    return NewEvent(event_id(session_id, type_, *key), type_, session_id, now, data, chat_id)
