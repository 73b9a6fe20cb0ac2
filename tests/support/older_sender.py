"""A database as the multi-tenant sender leaves it: its documents and indexes, its hashes made by `bcrypt`."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import bcrypt
from pymongo.asynchronous.database import AsyncDatabase

BEGAN = dt.datetime(2025, 3, 1, 12, 0, 0, 123_000, tzinfo=dt.UTC)
EXPIRED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EXPIRES = dt.datetime(2033, 6, 1, tzinfo=dt.UTC)
ROOT_WORD, ANN_WORD = "root's word", "ann's word"
ROOT_HASH, ANN_HASH = (
    bcrypt.hashpw(word, bcrypt.gensalt(4)).decode() for word in (ROOT_WORD.encode(), ANN_WORD.encode())
)


def a_token(name: str, expires: dt.datetime = EXPIRES) -> dict[str, Any]:
    hash_ = hashlib.sha256(f"a token of {name}".encode()).hexdigest()
    return {
        "user_id": name, "username": name, "refresh_token_hash": hash_, "expires_at": expires, "created_at": BEGAN,
    }  # fmt: skip


def a_row(number: int, name: str = "ann") -> dict[str, Any]:
    return {
        "username": name,
        "from_phone": "+15550001",
        "to_phone": "+15550002",
        "message": f"message {number} é\x00",
        "success": number % 2 == 0,
        "detail": "Message sent",
        "created_at": BEGAN + dt.timedelta(minutes=number),
    }


async def fill(database: AsyncDatabase[dict[str, Any]], *, rows: int = 5) -> None:
    await database["users"].create_index("username", unique=True)
    await database["tokens"].create_index("refresh_token_hash", unique=True)
    await database["tokens"].create_index("expires_at", expireAfterSeconds=0)
    await database["logs"].create_index([("username", 1), ("created_at", -1)])
    common = {"telegram_phone": "+15550001", "telegram_api_id": 12345, "telegram_api_hash": "an api hash"}
    await database["users"].insert_many(
        [
            {"username": "root", "password_hash": ROOT_HASH, "role": "admin", "created_at": BEGAN},
            {
                "username": "ann", "password_hash": ANN_HASH, "role": "user", **common,
                "description": "Sales", "telegram_connected": True, "created_at": BEGAN,
            },
            {"username": "broken", "role": "user"},
        ]
    )  # fmt: skip
    await database["tokens"].insert_many([a_token("ann"), a_token("root", EXPIRED), a_token("nobody")])
    await database["logs"].insert_many([*(a_row(number) for number in range(rows)), a_row(0, "left long ago")])
