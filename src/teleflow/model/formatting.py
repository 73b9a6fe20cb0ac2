"""A text with its formatting, however that was written: as Markdown, as HTML, or as entities.

Promises: linear time whatever is given. Markdown that does not close is plain text, HTML that does not close is
refused. Offsets count UTF-16 code units, as Telegram does.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import replace

from teleflow.errors import Invalid
from teleflow.model.entities import Entity, link, units
from teleflow.model.markdown import read_markdown
from teleflow.model.markup import read_html

ENTITY_TYPES = frozenset(
    {
        *("bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "blockquote", "text_link"),
        *("mention_name", "custom_emoji", "url", "email", "phone", "hashtag", "cashtag", "mention", "bot_command"),
        "bank_card",
    }
)
MOST_ENTITIES = 1_000


class ParseMode(enum.StrEnum):
    MARKDOWN = "markdown"
    HTML = "html"


def formatted(
    text: str, parse_mode: ParseMode | None = None, entities: Iterable[Entity] = ()
) -> tuple[str, tuple[Entity, ...]]:
    """The text as it is shown, and its entities. Raises Invalid(ENTITY_INVALID)."""
    given = tuple(entities)
    if parse_mode is not None and given:
        raise Invalid("Give parseMode or entities, not both", details={"field": "entities"})
    if parse_mode is ParseMode.MARKDOWN:
        text, given = read_markdown(text)
    elif parse_mode is ParseMode.HTML:
        text, given = read_html(text)
    elif given:
        _check(text, given)
    return _trimmed(text, given) if given else (text, given)


def _check(text: str, entities: tuple[Entity, ...]) -> None:
    end = units(text)
    if len(entities) > MOST_ENTITIES:
        raise _wrong("there are too many", len(entities))
    for number, one in enumerate(entities):
        if one.type not in ENTITY_TYPES:
            raise _wrong("there is no such type", number)
        if one.offset < 0 or one.length < 1 or one.offset + one.length > end:
            raise _wrong("it is not inside the text", number)
        if one.type == "text_link" and (not one.url or link(one.url) is None):
            raise _wrong("its url is not a link", number)
        if one.type == "mention_name" and not one.user_id:
            raise _wrong("it names no user", number)
        if one.type == "custom_emoji" and not one.document_id:
            raise _wrong("it names no document", number)


def _wrong(what: str, number: int) -> Invalid:
    return Invalid(f"Entity {number}: {what}", code="ENTITY_INVALID", details={"field": "entities", "index": number})


def _trimmed(text: str, entities: tuple[Entity, ...]) -> tuple[str, tuple[Entity, ...]]:
    """Telegram drops blanks at both ends of a text: entities must not count them."""
    without = text.lstrip()
    gone = units(text) - units(without)
    without = without.rstrip()
    end = units(without)
    if not gone and len(without) == len(text):
        return text, entities
    kept = []
    for one in entities:
        start = max(one.offset - gone, 0)
        stop = min(one.offset + one.length - gone, end)
        if stop > start:
            kept.append(replace(one, offset=start, length=stop - start))
    return without, tuple(kept)
