"""Documents and rows: the mapping knows all of both, and loses nothing on the way."""

from __future__ import annotations

import datetime as dt

import pytest
from bson import Int64, ObjectId
from sqlalchemy import BigInteger, Integer, LargeBinary, SmallInteger, Table, Text

from teleflow.storage.mongo import rows
from teleflow.storage.mongo.schema import INDEXES, WITH_TTL
from teleflow.storage.sql import tables

TYPES = {Text: str, BigInteger: int, Integer: int, SmallInteger: int, LargeBinary: bytes}
ALL = [(name, tables.table(name)) for name in tables.tables()]


def test_the_tables_are_the_same_and_what_is_pointed_at_comes_first() -> None:
    assert {name: list(columns) for name, columns in rows.columns().items()} == {
        name: list(columns) for name, columns in tables.tables().items()
    }
    for order in (list(rows.TABLES), list(tables.tables())):
        for name, table in rows.TABLES.items():
            needed = [*table.parents.values(), *(taken.collection for taken in table.taken.values())]
            assert all(order.index(other) < order.index(name) for other in needed), name


@pytest.mark.parametrize(("name", "table"), ALL, ids=[name for name, _ in ALL])
def test_a_column_has_its_type_its_parent_and_its_key_on_both(name: str, table: Table) -> None:
    mapped = rows.TABLES[name]
    told = {column.name: (TYPES[type(column.type)], bool(column.nullable)) for column in table.columns}
    assert {column.name: (column.type, column.nullable) for column in mapped.columns} == told
    parents = {key.parent.name: key.column.table.name for key in table.foreign_keys}
    assert dict(mapped.parents) == parents
    unique = {frozenset(index.columns.keys()) for index in table.indexes if index.unique}
    unique |= {
        frozenset(one.columns.keys()) for one in table.constraints if type(one).__name__ != "ForeignKeyConstraint"
    }
    known = {frozenset(mapped.key), frozenset(mapped.unique)}
    known |= {
        frozenset(field for field, _ in index.keys) for index in INDEXES if index.unique and index.collection == name
    }
    assert unique <= known, "two documents could be what is one row"


def test_what_expires_is_known_on_both_sides() -> None:
    assert {name for name, table in rows.TABLES.items() if table.expires} == set(WITH_TTL)


def test_a_row_is_a_document_and_the_same_row_again() -> None:
    for table in rows.TABLES.values():
        row = tuple(
            {str: f"{column.name} of it", int: 10**12 + place, bytes: b"\x00\xff"}[column.type]
            for place, column in enumerate(table.columns)
        )
        doc = table.document(row, dict.fromkeys(table.taken, "another's"))
        assert table.unlike(doc) == []
        assert table.row(doc) == row
        assert set(doc) == table.fields


@pytest.mark.parametrize("id_", [ObjectId(b"twelve bytes"), "a text", 7, {"a": 1}])
def test_a_mark_in_another_programs_collection_keeps_its_type(id_: object) -> None:
    facts = rows.TABLES["facts"]
    row = facts.row({"_id": "older/users", "value": id_})
    assert isinstance(row[1], str)
    assert facts.document(row, {}) == {"_id": "older/users", "value": id_}


def test_a_document_that_is_otherwise_is_told() -> None:
    table = rows.TABLES["holds"]
    doc = {
        "_id": rows.key("ses_1", "send", "*"), "session_id": "ses_1", "method": "send", "scope": "*", "until": 5,
        "kind": "k", "code": "c", "message": "m", "gone_at": dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    }  # fmt: skip
    assert table.unlike(doc) == []
    assert table.unlike(doc | {"until": "5"}) == ["has a str as until"]
    assert table.unlike(doc | {"until": None}) == ["has a NoneType as until"]
    assert table.unlike(doc | {"until": True}) == ["has a bool as until"]
    assert table.unlike(doc | {"scope": "other"}) == ["has the _id of another one"]
    assert table.unlike(doc | {"since": 1}) == ["has since, which is unknown"]
    assert table.unlike({name: value for name, value in doc.items() if name != "gone_at"}) == ["lacks gone_at"]
    assert rows.TABLES["logins"].unlike({"_id": "l", "user_id": "u"})[0] == "lacks created_at"
    assert not rows.TABLES["users"].columns[-1].fits(Int64(5)), "numbers are read as plain ones"
