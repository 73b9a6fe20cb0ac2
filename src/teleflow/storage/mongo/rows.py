"""Documents as rows of the tables of SQL, and back: by one mapping, for copies, backups and checks.

Documents hold the columns of their table under the columns' names. Beside them they have an `_id`, which may be a
column's only place, some fields of other documents that save a look there, and, where a document expires, its instant
for the server. All of that follows from rows; so a row is a document, and a copy back is the same row.

A new column or field belongs in here: tests compare this with the tables and with what the units of work write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson import json_util

from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import gone_at, key
from teleflow.storage.mongo.schema import TTL_FIELD

Row = tuple[Any, ...]
_HOUR = 3_600_000
_OLDER = "older/"  # facts whose values are ids of another program's documents, of whatever type
_TYPES = {"#": int, "=": bytes}


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is that of Python, in a row and in a document. `default`: a document may lack it, and means this."""

    name: str
    type: type
    nullable: bool
    default: int | None = None

    def fits(self, value: Any) -> bool:
        return (value is None and self.nullable) or type(value) is self.type


@dataclass(frozen=True, slots=True)
class Taken:
    """A field that is that of another document: the one whose `_id` this column has."""

    collection: str
    by: str
    field: str


@dataclass(frozen=True, slots=True)
class Table:
    """`key`: the columns that make the `_id`; `is_id`: it is the one column's only place.

    `parents`: columns that name a document of that collection. `expires`: the column that says when, and ms after it.
    `unique`: columns that are together one document's, where no index says so.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    is_id: bool
    parents: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[str, Taken] = field(default_factory=dict)
    expires: tuple[str, int] | None = None
    unique: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def id_of(self, values: Mapping[str, Any]) -> Any:
        return values[self.key[0]] if len(self.key) == 1 else key(*(values[name] for name in self.key))

    def row(self, doc: Doc) -> Row:
        """Raises KeyError for a document that lacks a field."""
        hidden = self.key[0] if self.is_id else None
        doc = {**self.defaults, **doc}
        row = tuple([doc["_id"] if name == hidden else doc[name] for name in self.names])
        return _fact_row(row) if self.name == "facts" else row

    def document(self, row: Row, taken: Mapping[str, Any]) -> Doc:
        """`taken`: the values of those fields."""
        if self.name == "facts":
            row = _fact_back(row)
        values = dict(zip(self.names, row, strict=True))
        doc = {"_id": self.id_of(values), **values, **taken}
        if self.is_id:
            del doc[self.key[0]]
        if self.expires is not None:
            column, after = self.expires
            doc[TTL_FIELD] = gone_at(values[column] + after)
        return doc

    def unlike(self, doc: Doc) -> list[str]:
        """What of a document is not as this program writes and reads it."""
        found = []
        doc = {**self.defaults, **doc}
        for column in self.columns:
            name = "_id" if self.is_id and column.name == self.key[0] else column.name
            if name not in doc:
                found.append(f"lacks {name}")
            elif not column.fits(doc[name]) and not (self.name == "facts" and str(doc["_id"]).startswith(_OLDER)):
                found.append(f"has a {type(doc[name]).__name__} as {name}")
        if not found and not self.is_id and doc["_id"] != self.id_of(doc):
            found.append("has the _id of another one")
        found += [f"lacks {name}" for name in self.beside if name not in doc]
        return found + [f"has {name}, which is unknown" for name in sorted(doc.keys() - self.fields)]

    @property
    def defaults(self) -> Doc:
        return {column.name: column.default for column in self.columns if column.default is not None}

    @property
    def beside(self) -> tuple[str, ...]:
        """The fields that are no columns."""
        return (*self.taken, *(() if self.expires is None else (TTL_FIELD,)))

    @property
    def fields(self) -> frozenset[str]:
        hidden = {self.key[0]} if self.is_id else set()
        return frozenset({"_id", *self.beside, *self.names} - hidden)


def _table(name: str, columns: str, *, key: str = "", **more: Any) -> Table:
    """A column is a text; `#`: a number, `=`: bytes, `?`: or null; `:0`: when it is lacking. `@`: it is the `_id`."""
    told = columns.split()
    is_id = told[0].startswith("@")
    parsed = []
    for one in told:
        marked, _, default = one.removeprefix("@").partition(":")
        bare = marked.rstrip("?")
        parsed.append(
            Column(
                bare.rstrip("#="), _TYPES.get(bare[-1], str), marked.endswith("?"), int(default) if default else None
            )
        )
    keys = (parsed[0].name,) if is_id else tuple(key.split())
    return Table(name, tuple(parsed), keys, is_id, **more)


_OF_USER = {"user_id": "users"}
_OF_SESSION = {"session_id": "sessions"}
_OF_WEBHOOK = {"webhook_id": "webhooks"}

# What is pointed at comes first.
TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        _table("audit_log", "@id# user_id? actor_id? actor action target? details address request_id created_at#"),
        _table("code_requests", "@id# phone requested_at#", expires=("requested_at", 24 * _HOUR)),
        _table("facts", "@key value"),
        _table("send_log", "@id# user_id username from_phone to_phone message success#? detail created_at#"),
        _table(
            "send_jobs",
            "@id user_id session_id random_id# chat kind text options? state attempts# created_at# message_id#?"
            " chat_id#? error_kind? error_code? error_message? retry_after_ms#? due_at#? result=? account_id#? log_id#"
            " ended_at#? is_open# lease_node? lease_until#",
            taken={
                "username": Taken("send_log", "log_id", "username"),
                "from_phone": Taken("send_log", "log_id", "from_phone"),
            },
        ),
        _table(
            "users",
            "@id username role password_hash telegram_phone? telegram_api_id#? telegram_api_hash=? description?"
            " created_at#",
        ),
        _table(
            "api_keys",
            "@id user_id name hash prefix scopes session_ids? rate_limit#? by_login# created_at# expires_at#?"
            " last_used_at#?",
            parents=_OF_USER,
        ),
        _table(
            "broadcasts",
            "@id user_id session_id name plan state created_at# updated_at# started_at#? ended_at#? cause?"
            " waiting_for? waiting_until#? next_at# failed_in_a_row# strangers_met#",
            parents=_OF_USER,
        ),
        _table("chat_creations", "@id user_id session_id kind title began_at# chat_id#?", parents=_OF_USER),
        _table("event_logs", "user_id newest# oldest# endpoints#", key="user_id", parents=_OF_USER),
        _table(
            "events",
            "user_id number# id type session_id? chat_id#? at# logged_at# body=",
            key="user_id id",
            parents=_OF_USER,
            unique=("user_id", "number"),
        ),
        _table(
            "idempotency_keys",
            "user_id key fingerprint job_id? answer=? lease_node? lease_until#? created_at#",
            key="user_id key",
            parents=_OF_USER,
            expires=("created_at", 72 * _HOUR),
        ),
        _table("logins", "@id user_id created_at# expires_at#", parents=_OF_USER, expires=("expires_at", 0)),
        _table("opt_outs", "@id user_id peer note created_at#", parents=_OF_USER),
        _table(
            "sessions",
            "@id user_id name phone state cause? state_since# authorised# account_id#? account_name? created_at#"
            " last_online_at#? impaired?",
            parents=_OF_USER,
        ),
        _table(
            "stream_tickets",
            "hash user_id login_id types session_id? until#? expires_at#",
            key="hash",
            parents=_OF_USER,
            expires=("expires_at", 0),
        ),
        _table(
            "webhooks",
            "@id user_id url types session_ids? headers=? secret= old_secret=? old_secret_until#? policy ordering"
            " description active# failing_since#? disabled_because? created_at# updated_at#",
            parents=_OF_USER,
        ),
        _table("acquaintances", "session_id peer_id# met_at# stranger#", key="session_id peer_id", parents=_OF_SESSION),
        _table(
            "broadcast_recipients",
            "broadcast_id number# peer variables? state chat_id#? job_id? message_id#? code? reason? stranger#"
            " queued_at#? ended_at#?",
            key="broadcast_id number",
            parents={"broadcast_id": "broadcasts"},
            taken={"user_id": Taken("broadcasts", "broadcast_id", "user_id")},
        ),
        _table(
            "chat_faces",
            "session_id chat_id# type title username? photo_id#? has_left# admin# forbidden#",
            key="session_id chat_id",
            parents=_OF_SESSION,
        ),
        _table(
            "holds",
            "session_id method scope until# kind code message",
            key="session_id method scope",
            parents=_OF_SESSION,
            expires=("until", 0),
        ),
        _table(
            "login_attempts",
            "session_id phone phone_code_hash= code_type next_type? resend_at#? expires_at# tries# password_tries#"
            " created_at# ticket",
            key="session_id",
            parents=_OF_SESSION,
            expires=("expires_at", 0),
        ),
        _table(
            "peers",
            "session_id peer_id# access_hash= phone? username? name? migrated_to#? seen_at#",
            key="session_id peer_id",
            parents=_OF_SESSION,
        ),
        _table(
            "phone_lookups",
            "session_id phone account_id#? looked_up_at#",
            key="session_id phone",
            parents=_OF_SESSION,
        ),
        _table(
            "refresh_tokens",
            "@hash login_id user_id created_at# expires_at# used_at#?",
            parents={"login_id": "logins"},
            expires=("expires_at", 0),
        ),
        _table(
            "session_credentials",
            "session_id dc_id# host port# auth_key= auth_key_fingerprint salt# api_id# api_hash=",
            key="session_id",
            parents=_OF_SESSION,
        ),
        _table(
            "session_profiles",
            "session_id device proxy=? api_id#? api_hash=?",
            key="session_id",
            parents=_OF_SESSION,
        ),
        _table(
            "update_positions",
            "session_id box# pts# qts# date# seq# top_message# read_max#",
            key="session_id box",
            parents=_OF_SESSION,
        ),
        _table(
            "webhook_deliveries",
            "@id webhook_id user_id event_id event_type event_number#? session_id? order_key? body=? state attempts#"
            " earlier# due_at# is_open# created_at# ended_at#? status#? error? duration_ms#? taken#:0",
            parents=_OF_WEBHOOK,
            unique=("webhook_id", "event_number"),
        ),
        _table(
            "webhook_recoveries",
            "@id webhook_id user_id since# until# cursor# found# state created_at# ended_at#?",
            parents=_OF_WEBHOOK,
        ),
        _table(
            "webhook_attempts",
            "delivery_id number# at# duration_ms# status#? error? request_headers response_headers response",
            key="delivery_id number",
            parents={"delivery_id": "webhook_deliveries"},
            taken={
                "webhook_id": Taken("webhook_deliveries", "delivery_id", "webhook_id"),
                "user_id": Taken("webhook_deliveries", "delivery_id", "user_id"),
            },
        ),
    )
}
# Whoever is pointed at, and has to be there for what points at it to be anybody's.
PARENTS = frozenset(parent for table in TABLES.values() for parent in table.parents.values())
COUNTED = tuple(name for name, table in TABLES.items() if table.is_id and table.columns[0].type is int)


def columns() -> dict[str, Sequence[str]]:
    """Of each table its columns."""
    return {name: table.names for name, table in TABLES.items()}


def _fact_row(row: Row) -> Row:
    name, value = row
    return (name, json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS)) if _is_older(name) else row


def _fact_back(row: Row) -> Row:
    name, value = row
    if not _is_older(name):
        return row
    return name, json_util.loads(value)


def _is_older(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(_OLDER)
