"""What Telegram finds in a text by itself: addresses, names, tags, commands, numbers. Pure.

Offsets and lengths are in UTF-16 code units; nothing is found inside what the client has marked as code or link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from telethon.tl import types

from teleflow.sandbox.world.texts import units

_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", re.ASCII)
_URL = re.compile(
    r"(?<![\w@.])(?:(?:https?|ftp|tg|ton)://[^\s<>\"']+"
    r"|(?:[A-Za-z0-9-]+\.)+(?:com|org|net|me|io|dev|app|ru|de|uk|info|co|ai|eu|fr|it|es|gg|tv)\b(?:[/:?#][^\s<>\"']*)?)",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?<![\w@/])@[A-Za-z]\w{2,31}(?!\w)", re.ASCII)
_COMMAND = re.compile(r"(?<![\w/<>@])/\w{1,64}(?:@[A-Za-z]\w{2,31})?(?![\w/])", re.ASCII)
_HASHTAG = re.compile(r"(?<![\w#])#(?!\d+(?!\w))\w{1,255}")
_CASHTAG = re.compile(r"(?<![\w$])\$[A-Z]{3,8}(?!\w)")
_PHONE = re.compile(r"(?<![\w+])\+\d[\d ()-]{8,17}\d(?!\w)", re.ASCII)
_TRAILING = ".,:;!?)]}'\""
# earlier ones keep their place from the later; without one of its characters there is nothing of a kind to be found
_KINDS = (
    ("@", _EMAIL, types.MessageEntityEmail),
    ("/.", _URL, types.MessageEntityUrl),
    ("@", _MENTION, types.MessageEntityMention),
    ("/", _COMMAND, types.MessageEntityBotCommand),
    ("#", _HASHTAG, types.MessageEntityHashtag),
    ("$", _CASHTAG, types.MessageEntityCashtag),
    ("+", _PHONE, types.MessageEntityPhone),
)
_HINTS = re.compile(r"[@./#$+]")
_OPAQUE = (
    types.MessageEntityCode,
    types.MessageEntityPre,
    types.MessageEntityTextUrl,
    types.MessageEntityMentionName,
    *(kind for _, _, kind in _KINDS),
)


def detected(text: str, marked: Iterable[Any] = ()) -> list[Any]:
    """Entities beside those that are marked already."""
    hints = set(_HINTS.findall(text))
    if not hints:
        return []
    taken = [(each.offset, each.offset + each.length) for each in marked if isinstance(each, _OPAQUE)]
    found = []
    for characters, pattern, kind in _KINDS:
        if hints.isdisjoint(characters):
            continue
        for match in pattern.finditer(text):
            body = match.group().rstrip(_TRAILING) if kind is types.MessageEntityUrl else match.group()
            start = units(text[: match.start()])
            end = start + units(body)
            if any(start < other_end and other < end for other, other_end in taken):
                continue
            taken.append((start, end))
            found.append(kind(start, end - start))
    return found
