"""Texts that give a Telegram login code away: Telegram makes such a code void when its account sends it on.

It cannot be told for sure, since the code itself is never known here; what is said of a text is a warning, no refusal.
"""

from __future__ import annotations

import re

LOGIN_CODE_IN_TEXT = "LOGIN_CODE_IN_TEXT"
TELEGRAM_ITSELF = "777000"  # the chat in which login codes arrive
# Telegram writes its codes with five or six digits; people put a blank or a dash between them.
_CODE = re.compile(r"(?<![\w+])(?:\d[ -]?){4,5}\d(?!\w)", re.ASCII)
_SAID = re.compile(r"\blog[ -]?in code\b|\btelegram\b.{0,40}\bcode\b|\bcode\b.{0,40}\btelegram\b", re.IGNORECASE)


def holds_code(text: str) -> bool:
    """Is there a number that a login code may look like?"""
    return _CODE.search(text) is not None


def tells_login_code(text: str) -> bool:
    """Is it, or does it quote, the message in which Telegram sends a login code?"""
    return holds_code(text) and _SAID.search(text) is not None
