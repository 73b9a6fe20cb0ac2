"""What is sealed where, as far as it is the same on every database."""

from __future__ import annotations

import base64
import binascii
import json

from teleflow.errors import SettingsError
from teleflow.kit.seal import Seal, SealBroken
from teleflow.storage.bindings import Binding


def file_of_plan(plan: str) -> bytes | None:
    """A broadcast's file, by the id that its owner gave: sealed in the middle of a JSON text. None: it has none."""
    token = json.loads(plan).get("file_id")
    return None if token is None else _decoded(token)


def plan_anew(plan: str, seal: Seal, binding: Binding) -> str:
    """The same plan, its file's id sealed under the newest key."""
    fields = json.loads(plan)
    secret = seal.open(_decoded(fields["file_id"]), *binding)
    fresh = base64.urlsafe_b64encode(seal.seal_same(secret, *binding)).rstrip(b"=").decode()
    return json.dumps(fields | {"file_id": fresh}, ensure_ascii=False)


def _decoded(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error as error:
        raise SealBroken("A stored id of a file is none") from error


def refuse_strange_keys(checks: frozenset[str], seal: Seal) -> None:
    """Raises SettingsError when one of these keys is not here."""
    if checks <= seal.checks:
        return
    if checks & seal.checks:
        raise SettingsError(
            "SESSION_ENCRYPTION_KEY: this database holds secrets under another key too, for the keys were being"
            " changed: set that one as SESSION_ENCRYPTION_KEY_OLD, and run `teleflow keys rotate`"
        )
    raise SettingsError(
        "SESSION_ENCRYPTION_KEY is not the one that this database was made with: "
        "set the old one again, or start with another database"
    )
