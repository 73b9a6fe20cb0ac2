"""The service's own secrets: given by a variable, or generated at the first start and kept in the data directory.

What is kept is its owner's alone (0600).
"""

from __future__ import annotations

import os
import re
import secrets as random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from teleflow.config.settings import Settings
from teleflow.errors import Conflict, SettingsError
from teleflow.kit.files import create, give_name, locked, make_folder, sync_folder

_PLACEHOLDER = re.compile(
    r"change[-_ ]?me|your[-_ ]|example|placeholder|secret[-_ ]?key|changethis|please[-_ ]?change|default",
    re.IGNORECASE,
)
SECRET_FIELDS = ("jwt_secret", "jwt_refresh_secret", "session_encryption_key")
SECRET_LENGTH = 32


class Secrets:
    """The service's own secrets, each in force: given by a variable, or generated and kept.

    A given secret that is short, a known placeholder or equal to another one refuses the start.
    """

    def __init__(self, values: Mapping[str, str], older: Iterable[str] = ()) -> None:
        self.jwt_secret = values["jwt_secret"]
        self.jwt_refresh_secret = values["jwt_refresh_secret"]
        self.session_encryption_key = values["session_encryption_key"]
        self.older_keys = tuple(older)

    @classmethod
    def load(cls, settings: Settings) -> Secrets:
        """The keys that sealed before: the one that is set, and, where none is set at all, those in the directory.

        A key that is set and is not the database's refuses the start, also where the right one lies in the directory:
        it is a mistake, unless SESSION_ENCRYPTION_KEY_OLD says that it is meant.
        """
        folder = settings.teleflow_data_dir / "secrets"
        values: dict[str, str] = {}
        for name in SECRET_FIELDS:
            given: SecretStr | None = getattr(settings, name)
            values[name] = given.get_secret_value() if given is not None else _kept(folder / name)
            _refuse_weak(name.upper(), values[name])
        named = dict(values)
        if settings.api_key is not None:
            named["api_key"] = settings.api_key.get_secret_value()
            _refuse_weak("API_KEY", named["api_key"])
        seen: dict[str, str] = {}
        for name, value in named.items():
            if value in seen:
                raise SettingsError(
                    f"{name.upper()} and {seen[value].upper()} are equal: each needs a value of its own"
                )
            seen[value] = name
        older = [] if settings.session_encryption_key_old is None else [settings.session_encryption_key_old]
        kept = KeptKey(settings.teleflow_data_dir)
        known = [secret.get_secret_value() for secret in older]
        known += kept.all() if settings.session_encryption_key is None else []
        return cls(values, [key for key in dict.fromkeys(known) if key != values["session_encryption_key"]])


class KeptKey:
    """The sealing key that was generated and lies in the data directory, and those before it."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "secrets" / "session_encryption_key"
        self._older = self._path.with_name("session_encryption_keys_old")

    def all(self) -> list[str]:
        """The newest first; none when there never was one."""
        try:
            return [key for path in (self._path, self._older) if path.exists() for key in _text(path).split()]
        except OSError as error:
            raise SettingsError(f"TELEFLOW_DATA_DIR: {self._path} can't be looked for: {_reason(error)}") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else changes the keys while the block lasts. Raises Conflict KEYS_CHANGING."""
        with ExitStack() as stack:
            try:
                make_folder(self._path.parent)
                stack.enter_context(locked(self._path.with_name("lock")))
            except BlockingIOError as error:
                raise Conflict(
                    "Another command changes the keys: wait until it is done", code="KEYS_CHANGING"
                ) from error
            except OSError as error:
                raise SettingsError(f"TELEFLOW_DATA_DIR: its secrets can't be locked: {error.strerror}") from error
            yield

    def renew(self) -> None:
        """Make a new one; the one before it is kept beside it first. Whenever this ends, no key is lost.

        To be called inside `held`.
        """
        keys = self.all()
        try:
            _write(self._older, "".join(f"{key}\n" for key in dict.fromkeys(keys)))
            _write(self._path, random.token_urlsafe(48) + "\n")
        except OSError as error:
            raise SettingsError(f"TELEFLOW_DATA_DIR: a new key can't be kept there: {error.strerror}") from error

    def forget_older(self) -> int:
        """How many there were."""
        count = len([key for key in self.all()[1:] if key])
        self._older.unlink(missing_ok=True)
        return count

    def there_is(self) -> bool:
        return bool(self.all())

    def changed_at(self) -> int:
        """Tells one state of it from another; 0: there is none."""
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0


def _text(path: Path) -> str:
    """Raises SettingsError naming the file, which its owner alone can read."""
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"TELEFLOW_DATA_DIR: {path} can't be read: {_reason(error)}") from error


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    fresh = _fresh(path, text)
    try:
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def _fresh(path: Path, text: str) -> Path:
    """A new file beside this one, on disk."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)  # of a killed process that had this number
    try:
        with os.fdopen(create(fresh), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _refuse_weak(name: str, value: str) -> None:
    if len(value) < SECRET_LENGTH:
        raise SettingsError(f"{name} is too short: {SECRET_LENGTH} characters are the least")
    if _PLACEHOLDER.search(value) or len(set(value)) < 8:
        raise SettingsError(f"{name} is a placeholder or too simple: generate one, or leave it unset")


def _kept(path: Path) -> str:
    """The secret in this file; made at the first start, readable by its owner only."""
    try:
        if path.exists():
            return _text(path)
        make_folder(path.parent)
        fresh = _fresh(path, random.token_urlsafe(48) + "\n")
        try:
            give_name(fresh, path)  # fails when another process was faster: then its value stands
        except FileExistsError:
            pass
        finally:
            fresh.unlink(missing_ok=True)
        return _text(path)
    except OSError as error:
        raise SettingsError(
            f"TELEFLOW_DATA_DIR: the secret {path.name} can't be kept there: {error.strerror}"
        ) from error


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "it is no text of ours"
