"""Broadcasts and their recipients as rows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from teleflow.model.broadcasts import Broadcast, BroadcastState, Pace, Plan, QuietHours, Recipient, RecipientState
from teleflow.model.formatting import ParseMode
from teleflow.storage.base import Placed

WHY_SKIPPED = {
    Placed.DUPLICATE: "The same chat is among the recipients already",
    Placed.OPTED_OUT: "They are on the opt-out list",
    Placed.STRANGERS_CAP: "The account has no chat with them, and the broadcast has written to as many such as it may",
}
TOO_MANY_FAILURES = "TOO_MANY_FAILURES"


def recipient_row(broadcast_id: str, recipient: Recipient) -> dict[str, Any]:
    return {
        "broadcast_id": broadcast_id,
        "number": recipient.number,
        "peer": recipient.to,
        "variables": json.dumps(dict(recipient.variables), ensure_ascii=False) if recipient.variables else None,
        "state": recipient.state.value,
        "chat_id": recipient.chat_id,
        "job_id": recipient.job_id,
        "message_id": recipient.message_id,
        "code": recipient.code,
        "reason": recipient.reason,
        "stranger": int(recipient.stranger),
        "queued_at": recipient.queued_at,
        "ended_at": recipient.ended_at,
    }


def broadcast_row(broadcast: Broadcast) -> dict[str, Any]:
    row = {field.name: getattr(broadcast, field.name) for field in dataclasses.fields(broadcast)}
    return row | {
        "plan": json.dumps(dataclasses.asdict(broadcast.plan), ensure_ascii=False),
        "state": row["state"].value,
    }


def broadcast_of(row: Mapping[str, Any]) -> Broadcast:
    values = dict(row)
    plan = json.loads(values["plan"])
    plan["pace"] = Pace(**plan["pace"])
    plan["quiet"] = None if plan["quiet"] is None else QuietHours(**plan["quiet"])
    plan["parse_mode"] = None if plan["parse_mode"] is None else ParseMode(plan["parse_mode"])
    return Broadcast(**(values | {"plan": Plan(**plan), "state": BroadcastState(values["state"])}))


def recipient_of(row: Mapping[str, Any]) -> Recipient:
    variables = row["variables"]
    return Recipient(
        row["number"],
        row["peer"],
        {} if variables is None else json.loads(variables),
        RecipientState(row["state"]),
        row["chat_id"],
        row["job_id"],
        row["message_id"],
        row["code"],
        row["reason"],
        bool(row["stranger"]),
        row["queued_at"],
        row["ended_at"],
    )


def names_of(peer: str, chat_id: int | None, username: str | None, phone: str | None) -> set[str]:
    """All that an opt-out of this recipient may be written as."""
    names = {peer, str(chat_id)}
    if username:
        names.add(f"@{username}")
    if phone:
        names.add(phone if phone.startswith("+") else f"+{phone}")
    return names
