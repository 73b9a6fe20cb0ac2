"""What a caller is warned of who seems to send on a login code of Telegram's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from teleflow.model.jobs import Content, Forward
from teleflow.model.login_codes import LOGIN_CODE_IN_TEXT, TELEGRAM_ITSELF, holds_code, tells_login_code
from teleflow.model.sessions import Session

AwaitsCode: TypeAlias = Callable[[str], bool]


def warning_of(content: Content, session: Session, awaits_code: AwaitsCode) -> str | None:
    """Cheap for what holds no number of such a length, which is nearly all."""
    if isinstance(content, Forward):
        return LOGIN_CODE_IN_TEXT if content.from_chat == TELEGRAM_ITSELF else None
    text = content.text
    suspect = holds_code(text) and (awaits_code(session.phone) or tells_login_code(text))
    return LOGIN_CODE_IN_TEXT if suspect else None
