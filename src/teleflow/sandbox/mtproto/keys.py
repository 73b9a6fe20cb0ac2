"""Authorization keys and where they are kept.

`KeyStore` is the port. A key once put stays until it is removed: a client that knows a key the store has lost
has lost its login. Two stores: in memory, and a file that is appended to and rewritten when it is opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TextIO

from teleflow.sandbox.mtproto.envelope import key_id_of


@dataclass(frozen=True, slots=True)
class AuthKey:
    """One key. Times are Unix seconds; `expires_at` is set for temporary keys only."""

    key: bytes
    key_id: int
    created_at: int
    first_salt: int
    """The salt that both sides compute at the end of the key exchange."""
    expires_at: int | None = None

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
                    super().put(AuthKey(**{**row, "key": bytes.fromhex(row["key"])}))
            except (ValueError, TypeError, KeyError):
                break  # the last line of a process that was killed while writing

    def _rewrite(self) -> TextIO:
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(_line(record) for record in self.all())
        fresh.replace(self._path)
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
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _line(record: AuthKey) -> str:
    return json.dumps({**asdict(record), "key": record.key.hex()}) + "\n"
