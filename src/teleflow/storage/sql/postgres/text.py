"""Texts as PostgreSQL can keep them: it takes every character but NUL, and people's texts may have that one too.

NUL and the mark that stands for it are written as the mark and a letter. The mark is a noncharacter of Unicode, which
no text has by right; one that has it comes back whole all the same.
"""

from __future__ import annotations

from typing import Any

from teleflow.storage.sql.statement import Row

_MARK = "\ufdd0"


def stored(value: Any) -> Any:
    if type(value) is str and ("\x00" in value or _MARK in value):
        return value.replace(_MARK, _MARK + "m").replace("\x00", _MARK + "0")
    return value


def told(row: Any) -> Row:
    values = tuple(row)
    for value in values:
        if type(value) is str and _MARK in value:
            return tuple([_told(each) if type(each) is str else each for each in values])
    return values


def _told(value: str) -> str:
    return value.replace(_MARK + "0", "\x00").replace(_MARK + "m", _MARK)
