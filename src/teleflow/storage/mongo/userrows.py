"""A user as a document, and what is sealed in it."""

from __future__ import annotations

from teleflow.kit.seal import Seal
from teleflow.model.users import Role, User
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import columns

_API_HASH = ("users", "telegram_api_hash")


def sealed_api_hash(seal: Seal, user_id: str, api_hash: str | None) -> bytes | None:
    return None if api_hash is None else seal.seal(api_hash.encode(), _API_HASH[0], user_id, _API_HASH[1])


def doc_of(seal: Seal, user: User) -> Doc:
    doc = {"_id": user.id, **columns(user)}
    del doc["id"]
    doc["role"] = user.role.value
    doc["telegram_api_hash"] = sealed_api_hash(seal, user.id, user.telegram_api_hash)
    return doc


def user_of(doc: Doc, seal: Seal) -> User:
    sealed, id_ = doc["telegram_api_hash"], doc["_id"]
    return User(
        id=id_,
        username=doc["username"],
        role=Role(doc["role"]),
        password_hash=doc["password_hash"],
        telegram_phone=doc["telegram_phone"],
        telegram_api_id=doc["telegram_api_id"],
        telegram_api_hash=None if sealed is None else seal.open(sealed, _API_HASH[0], id_, _API_HASH[1]).decode(),
        description=doc["description"],
        created_at=doc["created_at"],
    )
