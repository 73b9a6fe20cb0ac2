"""Numbers in a query: digits, and nothing that merely resembles a number."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BeforeValidator

_DIGITS = re.compile(r"-?[0-9]{1,18}")


def _plain(value: Any) -> Any:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("must be a whole number in digits")
    return value


plain = BeforeValidator(_plain)
