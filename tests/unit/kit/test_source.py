from __future__ import annotations

import inspect
import linecache
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest
from telethon.tl import types as tl

from teleflow.kit.source import source_of


@pytest.mark.parametrize("function", [tl.Message.from_reader, tl.PeerUser.__init__, tl.PeerUser._bytes, source_of])
def test_it_is_what_python_finds(function: Any) -> None:
    assert source_of(function).rstrip() == dedent(inspect.getsource(function)).rstrip()


def test_the_files_text_is_not_kept() -> None:
    """Of a service that has met an update, Telethon's sixty thousand lines would be a twentieth of its memory."""
    linecache.clearcache()
    source_of(tl.Channel.from_reader)
    assert not linecache.cache


def test_a_file_that_is_not_there_is_told() -> None:
    code = compile("def made(): pass", "/nowhere/at/all.py", "exec").co_consts[0]
    with pytest.raises(OSError, match="nowhere"):
        source_of(SimpleNamespace(__code__=code))  # type: ignore[arg-type]
