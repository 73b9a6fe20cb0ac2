"""What may be sent, and the log of it."""

from __future__ import annotations

from dataclasses import dataclass

from teleflow.errors import Invalid

TEXT_LIMIT = 4096  # UTF-16 code units: how Telegram counts (message_length_max of help.getConfig)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A row of the message log: who sent what to whom, and how it ended.

    `number` is the row's place in the log: the cursor for the page after it.
    """

    username: str
    from_phone: str
    to_phone: str
    message: str
    success: bool | None
    detail: str
    created_at: int
    number: int = 0


def check_text(text: str) -> str:
    """Return the text as it will be sent. Raises Invalid for what no data centre takes."""
    try:
        units = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:
        raise Invalid(
            "The text holds half of a surrogate pair, which is no character",
            code="MESSAGE_INVALID",
            details={"field": "message"},
        ) from error
    if "\x00" in text:
        raise Invalid("The text holds a NUL character", code="MESSAGE_INVALID", details={"field": "message"})
    if not text.strip():
        raise Invalid("The text is empty", code="MESSAGE_EMPTY", details={"field": "message"})
    if units > TEXT_LIMIT:
        raise Invalid(
            f"The text has {units} UTF-16 units, {TEXT_LIMIT} is the most",
            code="MESSAGE_TOO_LONG",
            details={"field": "message", "limit": TEXT_LIMIT, "units": units},
        )
    return text
