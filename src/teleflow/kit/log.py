"""Structured logging, and what must never reach it.

Names of fields decide: what is called a secret is masked whatever its value, phones keep their last digits. A
traceback shows where, never the values of variables.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
import structlog.tracebacks

_SECRET = re.compile(
    r"password|secret|token|api_?key|api_?hash|auth_?key|session_string|authorization|cookie|^code$|phone_code|"
    r"code_hash|^text$|^message$|^body$",
    re.IGNORECASE,
)
_PHONE = re.compile(r"phone|^to$|^from$", re.IGNORECASE)
_DIGITS = re.compile(r"\+?\d{7,15}")


def mask_phone(phone: str) -> str:
    """Keep enough of a phone number to recognise it, not enough to call it."""
    return f"…{phone[-3:]}" if len(phone) > 3 else "…"


def redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key == "event":
            continue
        if _SECRET.search(key):
            event[key] = "[masked]"
        elif _PHONE.search(key) and isinstance(value, str):
            event[key] = _DIGITS.sub(lambda found: mask_phone(found.group()), value)
    return event


class _StandardError:
    """Writes lines to whatever standard error is now. A log that can't be written must not stop the work."""

    def __init__(self, *_: Any) -> None:
        pass

    def msg(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a broken pipe, a full disk, a closed file
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    log = debug = info = warning = warn = error = critical = exception = fatal = failure = err = msg


class _FromLibraries(logging.Handler):
    """What libraries log has the same form as what we do."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):  # a log that can't be written must not stop the work
            told: Any = structlog.get_logger(record.name)
            level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
            told.log(level, "library.said", logger=record.name, said=record.getMessage(), exc_info=record.exc_info)


def telling(request_id: str) -> None:
    """From here on, lines of this task tell which request they are about; work that it starts in the background not."""
    structlog.contextvars.bind_contextvars(request_id=request_id)


def apart() -> contextvars.Context:
    """The context for work that outlives who starts it."""
    context = contextvars.copy_context()
    context.run(structlog.contextvars.unbind_contextvars, "request_id")
    return context


def configure(level: str = "info", *, json: bool = False) -> None:
    """Set up logging for the process: lines for people, or JSON for machines, on standard error."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=28, exception_formatter=structlog.dev.plain_traceback
        )
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    if json:
        # Never with local variables: passwords, codes and texts are among them.
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        shared.append(structlog.processors.ExceptionRenderer(frames))
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_StandardError,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[_FromLibraries()])
