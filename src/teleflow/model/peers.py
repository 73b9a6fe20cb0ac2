"""Who a message is for, as a caller writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from teleflow.errors import Invalid

_BLANKS = re.compile(r"[\s\-().\u00a0]+")
_DIGITS = re.compile(r"[0-9]{5,15}")


@dataclass(frozen=True, slots=True)
class Peer:
    """A Telegram user as one session knows it. The access hash is good for that session alone."""

    user_id: int
    access_hash: int


def normalize_phone(text: str) -> str:
    """Return ``+`` and 5 to 15 digits. Raises Invalid.

    Blanks, dashes, dots and brackets are dropped, as people write them; whether the number exists is for the
    data centre to say.
    """
    digits = _BLANKS.sub("", text).removeprefix("+")
    if not _DIGITS.fullmatch(digits):
        raise Invalid(
            "A phone number is an optional + and 5 to 15 digits",
            code="PHONE_NUMBER_INVALID",
            details={"field": "phone"},
        )
    return f"+{digits}"
