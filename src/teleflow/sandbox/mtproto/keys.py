"""Authorization keys and where they are kept.

`KeyStore` is the port. A key once put stays until it is removed: a client that knows a key the store has lost
has lost its login. Two stores: in memory, and a file that is appended to and rewritten when it is opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol, TextIO

from teleflow.sandbox.mtproto.envelope import key_id_of

ROOM = 1000
"""Lines by which a file of keys may grow over twice its keys before it is written anew."""


@dataclass(slots=True)
class Standing:
    """What has become of a key: what its client told of itself, whom it stands for, why it is worth nothing."""

    layer: int = 0
    """0 until the first `invokeWithLayer`."""
    introduced: bool = False
    """Whether `initConnection` has been heard."""
    api_id: int = 0
    device_model: str = ""
    system_version: str = ""
    app_version: str = ""
    lang_code: str = ""
    system_lang_code: str = ""
    bound_to: int = 0
    """The permanent key that a temporary one stands for."""
    refused: str = ""
    """The error that answers everything on this key (AUTH_KEY_DUPLICATED)."""
    used_at: int = 0
    """When its last session was forgotten."""


@dataclass(frozen=True, slots=True)
class AuthKey:
    """One key. Times are Unix seconds; `expires_at` is set for temporary keys only."""

    key: bytes
    key_id: int
    created_at: int
    first_salt: int
    """The salt that both sides compute at the end of the key exchange."""
    expires_at: int | None = None
    standing: Standing = field(default_factory=Standing, compare=False)

    @property
    def login(self) -> int:
        """The key whose login this one uses: the permanent one that it is bound to, or itself."""
        return self.standing.bound_to or self.key_id

    @property
    def unbound(self) -> bool:
        """A temporary key that stands for nobody yet."""
        return self.expires_at is not None and not self.standing.bound_to

    @classmethod
    def made(cls, key: bytes, *, created_at: int, first_salt: int, expires_at: int | None = None) -> AuthKey:
        return cls(key, key_id_of(key), created_at, first_salt, expires_at)


class KeyStore(Protocol):
    """Keys by their id (unsigned 64 bits)."""

    def get(self, key_id: int) -> AuthKey | None: ...

    def put(self, record: AuthKey) -> None: ...

    def remove(self, key_id: int) -> bool: ...

    def all(self) -> Iterable[AuthKey]: ...

    def close(self) -> None: ...


class MemoryKeyStore:
    """Keys of one run."""

    def __init__(self) -> None:
        self._keys: dict[int, AuthKey] = {}

    def get(self, key_id: int) -> AuthKey | None:
        return self._keys.get(key_id)

    def put(self, record: AuthKey) -> None:
        self._keys[record.key_id] = record

    def remove(self, key_id: int) -> bool:
        return self._keys.pop(key_id, None) is not None

    def all(self) -> Iterable[AuthKey]:
        return list(self._keys.values())

    def close(self) -> None:
        """Nothing to let go of."""


class FileKeyStore(MemoryKeyStore):
    """Keys that outlive the process: one JSON line for each key put or removed; the file is 0600."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._read()
        self._file = self._rewrite()

    def _read(self) -> None:
        for line in self._path.read_text("ascii").splitlines():
            try:
                row = json.loads(line)
                if "removed" in row:
                    super().remove(row["removed"])
                else:
                    standing = Standing(**row.pop("standing", {}))
                    super().put(AuthKey(**{**row, "key": bytes.fromhex(row["key"]), "standing": standing}))
            except (ValueError, TypeError, KeyError):
                break  # the last line of a process that was killed while writing

    def _rewrite(self) -> TextIO:
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(_line(record) for record in self.all())
        fresh.replace(self._path)
        self._lines = len(self._keys)
        return self._path.open("a", encoding="ascii")

    def put(self, record: AuthKey) -> None:
        super().put(record)
        self._append(_line(record))

    def remove(self, key_id: int) -> bool:
        known = super().remove(key_id)
        if known:
            self._append(json.dumps({"removed": key_id}) + "\n")
        return known

    def _append(self, line: str) -> None:
        self._lines += 1
        if self._lines > 2 * len(self._keys) + ROOM:
            self._file.close()
            self._file = self._rewrite()
            return
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _line(record: AuthKey) -> str:
    return json.dumps({**asdict(record), "key": record.key.hex()}) + "\n"
