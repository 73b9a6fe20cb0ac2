"""HTML as Telegram's bots write it, in one pass: a few tags, closed in order; anything else is refused.

b strong, i em, u ins, s strike del, code, pre (a ``<code class="language-…">`` inside names the language),
a href, blockquote (expandable), tg-spoiler, ``<span class="tg-spoiler">``, ``<tg-emoji emoji-id="…">``, br.
https://core.telegram.org/bots/api#html-style
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace

from teleflow.errors import Invalid
from teleflow.model.entities import Entity, link, units

_TYPES = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]{0,20})((?:\s[^<>]*)?)/?>")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>/]+)))?""")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{1,32});")
_PLAIN = re.compile(r"[^<&]+")
_LANGUAGE = "language-"


@dataclass(slots=True)
class _Open:
    tag: str
    entity: Entity | None
    at: int


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[str] = []
        self._length = 0  # of what is shown, in UTF-16 units
        self._stack: list[_Open] = []
        self._entities: list[Entity] = []

    def read(self) -> tuple[str, tuple[Entity, ...]]:
        position, text = 0, self._text
        while position < len(text):
            plain = _PLAIN.match(text, position)
            if plain is not None:
                self._show(plain.group())
                position = plain.end()
            elif text[position] == "&":
                reference = _REFERENCE.match(text, position)
                self._show(html.unescape(reference.group()) if reference is not None else "&")
                position = reference.end() if reference is not None else position + 1
            else:
                position = self._tag(position)
        if self._stack:
            raise _unreadable(f"<{self._stack[-1].tag}> is not closed", len(text))
        self._entities.sort(key=lambda one: (one.offset, -one.length))
        return "".join(self._pieces), tuple(self._entities)

    def _show(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += units(piece)

    def _tag(self, position: int) -> int:
        found = _TAG.match(self._text, position)
        if found is None:
            raise _unreadable("this < begins no tag: write &lt;", position)
        closing, name, rest = found.group(1), found.group(2).lower(), found.group(3)
        if name == "br":
            self._show("\n")
        elif closing:
            self._close(name, position)
        else:
            self._stack.append(_Open(name, self._entity(name, _attributes(rest), position), self._length))
        return found.end()

    def _entity(self, name: str, given: dict[str, str], position: int) -> Entity | None:
        match name:
            case "a":
                target = link(given.get("href", ""))
                if target is None:
                    raise _unreadable("this link is none that Telegram opens", position)
                return target
            case "span" if given.get("class") == "tg-spoiler":
                return Entity("spoiler", 0, 0)
            case "tg-emoji" if given.get("emoji-id", "").isascii() and given.get("emoji-id", "").isdigit():
                return Entity("custom_emoji", 0, 0, document_id=int(given["emoji-id"][:20]))
            case "blockquote":
                return Entity("blockquote", 0, 0, collapsed="expandable" in given)
            case "code" if self._stack and self._stack[-1].tag == "pre" and self._stack[-1].at == self._length:
                return self._language(given)
            case _ if name in _TYPES:
                return Entity(_TYPES[name], 0, 0)
        raise _unreadable(f"<{name}> is not known here", position)

    def _language(self, given: dict[str, str]) -> Entity | None:
        """`code` right inside of `pre` says what it is written in."""
        outer = self._stack[-1]
        named = given.get("class", "")
        if named.startswith(_LANGUAGE) and outer.entity is not None:
            outer.entity = replace(outer.entity, language=named.removeprefix(_LANGUAGE)[:40])
            return None
        return Entity("code", 0, 0)

    def _close(self, name: str, position: int) -> None:
        if not self._stack or self._stack[-1].tag != name:
            raise _unreadable(f"</{name}> closes nothing", position)
        opened = self._stack.pop()
        length = self._length - opened.at
        if opened.entity is not None and length:
            self._entities.append(replace(opened.entity, offset=opened.at, length=length))


def _attributes(rest: str) -> dict[str, str]:
    return {
        found.group(1).lower(): html.unescape(found.group(2) or found.group(3) or found.group(4) or "")
        for found in _ATTRIBUTE.finditer(rest)
    }


def _unreadable(why: str, position: int) -> Invalid:
    return Invalid(
        f"The HTML can't be read at character {position}: {why}",
        code="ENTITY_INVALID",
        details={"field": "text", "position": position},
    )


def read_html(text: str) -> tuple[str, tuple[Entity, ...]]:
    """The text without its tags, and what they mean. Raises Invalid(ENTITY_INVALID)."""
    return _Reader(text).read()
