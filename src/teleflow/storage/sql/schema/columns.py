"""The columns that tables are made of: few primitive types, the same on every database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, SmallInteger, Text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

# `sqlite_with_rowid=False` in a table: small rows live in their key's own tree there, one write instead of two.
# On SQLite a row number is an INTEGER key; everywhere else it needs 64 bits.
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


def text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def flag(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, SmallInteger, nullable=null)


def sealed(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null, info={"sealed": True})


def owned_by(parent: str, name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, ForeignKey(f"{parent}.id", ondelete="CASCADE"), primary_key=key, nullable=False)
