"""What Telegram makes of a text before it is a message: control characters, edges, limits.

Lengths are counted in UTF-16 code units, as everywhere in Telegram.
"""

from __future__ import annotations

from teleflow.sandbox.world.errors import Refused

MESSAGE_LIMIT = 4096
# every control character but tab and line feed becomes a space
_CONTROL = dict.fromkeys((*range(9), *range(11, 32)), " ")


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def printable(text: str) -> str:
    """The text without control characters; of the same length."""
    return text if text.isprintable() else text.translate(_CONTROL)


def body(text: str) -> str:
    """The text as it is stored. Raises MESSAGE_EMPTY and MESSAGE_TOO_LONG."""
    kept = printable(text).strip()
    if not kept:
        raise Refused("MESSAGE_EMPTY")
    if units(kept) > MESSAGE_LIMIT:
        raise Refused("MESSAGE_TOO_LONG")
    return kept
