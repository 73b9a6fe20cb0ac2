"""The connection to MongoDB: how long it may take, and what its errors mean."""

from __future__ import annotations

from typing import Any

from bson.codec_options import TypeDecoder, TypeRegistry
from bson.int64 import Int64
from pymongo import AsyncMongoClient
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.uri_parser import parse_uri

from teleflow.errors import SettingsError, StorageUnavailable, Unreachable
from teleflow.storage.mongo.match import Doc

CONNECT_S = 3.0
COMMAND_S = 10.0
ROOM_S = 5.0  # so long a caller waits for a connection of the pool
MIGRATION_S = 3_600.0  # indexes of a large database take their time
POOL = 16
DUPLICATE = 11_000
INTERRUPTED = 11_601
_NOT_ALLOWED = frozenset({13, 18, 8_000})  # unauthorized, a wrong password; the last is Atlas's for both


class _Numbers(TypeDecoder):
    """The driver's own class of numbers is one that other encoders do not know."""

    bson_type = Int64

    def transform_bson(self, value: Int64) -> int:
        return int(value)


def connect(url: str, *, command_s: float | None = None) -> AsyncMongoClient[Doc]:
    """A client of this URL, for the running loop; nothing is sent yet. Raises SettingsError.

    One command may take `command_s`; where there is no server, nobody waits for one for longer than `CONNECT_S`.
    """
    limits = {
        "serverSelectionTimeoutMS": CONNECT_S,
        "connectTimeoutMS": CONNECT_S,
        "waitQueueTimeoutMS": ROOM_S,
        "socketTimeoutMS": COMMAND_S if command_s is None else command_s,
    }
    given = url.partition("?")[2].lower()
    options: dict[str, Any] = {
        name: int(limit * 1000) for name, limit in limits.items() if f"{name.lower()}=" not in given
    }
    registry: TypeRegistry = TypeRegistry([_Numbers()])
    try:
        return AsyncMongoClient(
            url, appname="teleflow", maxPoolSize=POOL, journal=True, w="majority", type_registry=registry, **options
        )
    except (PyMongoError, ValueError, OSError) as error:
        raise refused(error) from error


def database_of(url: str) -> str:
    """The database that the URL names. Raises SettingsError; a password is never in its text."""
    if url.split(":", 1)[0].lower() == "mongodb+srv":  # to parse it would ask the name servers
        name = url.split("://", 1)[1].partition("/")[2].partition("?")[0]
    else:
        try:
            name = parse_uri(url)["database"] or ""
        except (PyMongoError, ValueError, OSError) as error:
            raise refused(error) from error
    if not name:
        raise SettingsError("DATABASE_URL: name a database: mongodb://host/name (or set MONGO_URI and MONGO_DB)")
    return name


def refused(error: Exception) -> SettingsError:
    if isinstance(error, OSError):
        return SettingsError(f"MONGO_URI (or DATABASE_URL): a file that it names can't be read ({error.strerror})")
    kind = type(error).__name__
    return SettingsError(f"MONGO_URI (or DATABASE_URL): this form is not understood ({kind})")


def is_trouble(error: BaseException) -> bool:
    """The database does not answer, or can't take it now: trying again is right."""
    if isinstance(error, ConfigurationError | InvalidOperation | DuplicateKeyError):
        return False
    if isinstance(error, BulkWriteError):
        return not is_duplicate(error)
    if isinstance(
        error, ConnectionFailure | AutoReconnect | NetworkTimeout | ExecutionTimeout | WTimeoutError | OperationFailure
    ):
        return True
    return isinstance(error, PyMongoError | TimeoutError | OSError)


class LostRace(PyMongoError):
    """What a batch has read is no longer so: it is to be run anew."""


def is_lost_race(error: BaseException) -> bool:
    """A transaction that another one was faster than: it is to be run anew."""
    if isinstance(error, LostRace):
        return True
    if not isinstance(error, OperationFailure):
        return False
    # An ended session's command is told without the label.
    return error.has_error_label("TransientTransactionError") or error.code == INTERRUPTED


def is_duplicate(error: BaseException) -> bool:
    """A unique index refused it."""
    if isinstance(error, BulkWriteError):
        details: dict[str, Any] = dict(error.details or {})
        return any(one.get("code") == DUPLICATE for one in details.get("writeErrors", ()))
    return isinstance(error, DuplicateKeyError)


def unavailable(error: BaseException) -> StorageUnavailable:
    """What a caller is told when the database failed; the cause is chained, never shown."""
    told = StorageUnavailable("The database can't take this now: try again", retry_after=1.0)
    told.__cause__ = error
    return told


def not_reached(error: BaseException) -> SettingsError:
    """What a start says of a server that can't be used: whether to try again, or to mend the setting."""
    told = f"MONGO_URI (or DATABASE_URL): MongoDB can't be used: {reason(error)}"
    refused_for_good = isinstance(error, ConfigurationError) or (
        isinstance(error, OperationFailure) and error.code in _NOT_ALLOWED
    )
    return SettingsError(told) if refused_for_good else Unreachable(told)


def reason(error: BaseException) -> str:
    """For a person: what kind of trouble, without the address and the password that pymongo likes to tell."""
    if isinstance(error, OperationFailure) and error.code is not None:
        return f"the server refused it ({error.details.get('codeName', error.code) if error.details else error.code})"
    return "no answer" if isinstance(error, ConnectionFailure | TimeoutError) else type(error).__name__
