"""Markdown as Telegram's clients write it, in one pass.

``**bold**``, ``__italic__``, ``~~strikethrough~~``, ``||spoiler||``, `` `code` ``, fenced ``pre`` with a language,
``[text](url)``. A backslash takes a sign literally. What does not close, and what is empty, is plain text.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import accumulate

from teleflow.model.entities import Entity, link, units

_MARKS = {"**": "bold", "__": "italic", "~~": "strikethrough", "||": "spoiler"}
_TOKEN = re.compile(r"\\[\\*_~|`\[\]()]|```|\*\*|__|~~|\|\||`|\[|\]\(|[^\\*_~|`\[\]]+|.", re.DOTALL)
_LONGEST_TARGET = 2_100
_LANGUAGE = re.compile(r"([A-Za-z0-9+#-]{1,40})?\n")


class _Reader:
    """The text in pieces: a mark is a piece too, and becomes empty when it turns out to be one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[str] = []
        self._found: list[tuple[Entity, int, int]] = []  # entity, first piece, piece behind the last
        self._open: dict[str, int] = {}
        self._brackets: list[int] = []
        self._never: set[str] = set()  # what does not come any more

    def read(self) -> tuple[str, tuple[Entity, ...]]:
        position, text = 0, self._text
        while position < len(text):
            match = _TOKEN.match(text, position)
            assert match is not None
            position = self._take(match.group(), match.end())
        starts = [0, *accumulate(units(piece) for piece in self._pieces)]
        entities = []
        for entity, first, behind in self._found:
            length = starts[behind] - starts[first]
            if length:
                entities.append(replace(entity, offset=starts[first], length=length))
        entities.sort(key=lambda one: (one.offset, -one.length))
        return "".join(self._pieces), tuple(entities)

    def _take(self, sign: str, behind: int) -> int:
        """Deal with a sign; where to go on."""
        if sign in _MARKS:
            self._mark(sign)
        elif sign == "[":
            self._brackets.append(len(self._pieces))
            self._pieces.append(sign)
        elif sign == "](" and self._brackets:
            return self._link(behind)
        elif sign in {"`", "```"}:
            return self._code(sign, behind)
        else:
            self._pieces.append(sign[1:] if sign[0] == "\\" and len(sign) == 2 else sign)
        return behind

    def _mark(self, sign: str) -> None:
        first = self._open.pop(sign, None)
        here = len(self._pieces)
        if first is None:
            self._open[sign] = here
            self._pieces.append(sign)
        elif first == here - 1:  # nothing between
            self._pieces.append(sign)
        else:
            self._pieces[first] = ""
            self._found.append((Entity(_MARKS[sign], 0, 0), first, here))

    def _code(self, sign: str, behind: int) -> int:
        end = -1 if sign in self._never else self._text.find(sign, behind)
        if end < 0:
            self._never.add(sign)
        if end <= behind:  # unclosed, or empty
            self._pieces.append(sign)
            return behind
        inside, language = self._text[behind:end], None
        if sign == "```":
            named = _LANGUAGE.match(inside)
            if named is not None and named.end() < len(inside):
                language, inside = named.group(1), inside[named.end() :]
        kind = Entity("pre", 0, 0, language=language) if sign == "```" else Entity("code", 0, 0)
        self._found.append((kind, len(self._pieces), len(self._pieces) + 1))
        self._pieces.append(inside)
        return end + len(sign)

    def _link(self, behind: int) -> int:
        end = self._text.find(")", behind, behind + _LONGEST_TARGET)
        target = link(self._text[behind:end]) if end > behind else None
        first = self._brackets.pop()
        if target is None or first == len(self._pieces) - 1:
            self._pieces.append("](")
            return behind
        self._pieces[first] = ""
        self._found.append((target, first, len(self._pieces)))
        return end + 1


def read_markdown(text: str) -> tuple[str, tuple[Entity, ...]]:
    """The text without its marks, and what they mean. Never raises."""
    return _Reader(text).read()
