"""The source of a function, without keeping the file's text: Telethon's largest has sixty thousand lines."""

from __future__ import annotations

from array import array
from functools import cache
from pathlib import Path
from textwrap import dedent
from types import FunctionType, MethodType


def source_of(function: FunctionType | MethodType) -> str:
    """Its lines, decorators included, from the left margin. Raises OSError where its file can't be read.

    Found by the numbers of the lines that its code tells: ``inspect.getsource`` takes the text apart for it, and holds
    all of the file for good.
    """
    code = function.__code__
    last = max(end or begin or 0 for begin, end, _, _ in code.co_positions())
    begins = _lines_of(code.co_filename)
    if last >= len(begins):
        raise OSError("the file has changed")
    begin, end = begins[code.co_firstlineno - 1], begins[last]
    with Path(code.co_filename).open("rb") as file:
        file.seek(begin)
        return dedent(file.read(end - begin).decode())


@cache
def _lines_of(path: str) -> array[int]:
    """Where each line begins, and where the last one ends, in bytes."""
    begins = array("I", [0])
    position = 0
    with Path(path).open("rb") as file:
        for line in file:
            position += len(line)
            begins.append(position)
    return begins
