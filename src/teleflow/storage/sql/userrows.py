"""A user as a row: which columns, and what is sealed in them."""

from __future__ import annotations

from teleflow.kit.seal import Seal
from teleflow.model.users import Role, User
from teleflow.storage import bindings
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.statement import Row

USER_COLUMNS = [
    t.users.c[name]
    for name in (
        "id",
        "username",
        "role",
        "password_hash",
        "telegram_phone",
        "telegram_api_id",
        "telegram_api_hash",
        "description",
        "created_at",
    )
]


def sealed_api_hash(seal: Seal, user_id: str, api_hash: str | None) -> bytes | None:
    return None if api_hash is None else seal.seal(api_hash.encode(), *bindings.api_hash(user_id))


def user_of(row: Row, seal: Seal) -> User:
    """The user in a row of USER_COLUMNS."""
    id_, username, role, password_hash, phone, api_id, sealed, description, created_at = row
    api_hash = None if sealed is None else seal.open(sealed, *bindings.api_hash(id_)).decode()
    return User(id_, username, Role(role), password_hash, phone, api_id, api_hash, description, created_at)
