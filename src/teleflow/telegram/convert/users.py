"""Telegram users."""

from __future__ import annotations

from typing import Any

from teleflow.model.operations.contacts import Found


def found_from(user: Any) -> Found:
    """From a TL `user`."""
    phone = f"+{user.phone.removeprefix('+')}" if user.phone else None
    return Found(user.id, user.access_hash or 0, phone, user.username, display_name(user))


def display_name(user: Any) -> str:
    return " ".join(part for part in (user.first_name, user.last_name) if part) or user.username or str(user.id)
