"""Who did what that matters for security: an entry for each act, written with it or not at all.

An entry never holds a secret, a code, a message or a whole phone number.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from teleflow.model.users import Principal


class Act(enum.StrEnum):
    """What is written down."""

    LOGGED_IN = "user.logged_in"
    LOGIN_FAILED = "user.login_failed"
    LOGGED_OUT = "user.logged_out"
    LOGGED_OUT_EVERYWHERE = "user.logged_out_everywhere"
    TOKEN_REUSED = "user.token_reused"  # noqa: S105 - the name of an act
    USER_CREATED = "user.created"
    USER_DELETED = "user.deleted"
    ROLE_CHANGED = "user.role_changed"
    PASSWORD_CHANGED = "user.password_changed"  # noqa: S105 - the name of an act
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    SESSION_CREATED = "session.created"
    SESSION_AUTHORIZED = "session.authorized"
    SESSION_IMPORTED = "session.imported"
    SESSION_EXPORTED = "session.exported"
    SESSION_EXPORT_REFUSED = "session.export_refused"
    SESSION_CODE_REFUSED = "session.code_refused"
    SESSION_LOGGED_OUT = "session.logged_out"
    SESSION_DELETED = "session.deleted"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_UPDATED = "webhook.updated"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_SECRET_ROTATED = "webhook.secret_rotated"  # noqa: S105 - the name of an act
    WEBHOOK_ENABLED = "webhook.enabled"
    WEBHOOK_DISABLED = "webhook.disabled"  # by the service
    METHOD_INVOKED = "session.method_invoked"
    PRIVACY_CHANGED = "session.privacy_changed"
    AUTHORIZATION_ENDED = "session.authorization_ended"  # a login of the account, at some other program
    CHAT_CREATED = "chat.created"
    CHAT_CHANGED = "chat.changed"
    CHAT_UPGRADED = "chat.upgraded"
    CHAT_DELETED = "chat.deleted"
    CHAT_HISTORY_DELETED = "chat.history_deleted"
    CHAT_OWNER_CHANGED = "chat.owner_changed"
    ADMIN_CHANGED = "chat.admin_changed"
    MEMBER_BANNED = "chat.member_banned"
    INVITE_CREATED = "chat.invite_created"
    BROADCAST_CREATED = "broadcast.created"
    BROADCAST_STARTED = "broadcast.started"
    BROADCAST_PAUSED = "broadcast.paused"
    BROADCAST_CANCELLED = "broadcast.cancelled"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. `user_id` is whose thing it was, `actor` who did it (None and "" when nobody was proven).

    `id` counts up; it is given by the log. `created_at` is in Unix milliseconds.
    """

    action: str
    created_at: int
    user_id: str | None = None
    actor_id: str | None = None
    actor: str = ""
    target: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""
    request_id: str = ""
    id: int = 0

    @classmethod
    def by(
        cls,
        principal: Principal,
        action: Act,
        *,
        now: int,
        target: str | None = None,
        user_id: str | None = None,
        **details: Any,
    ) -> AuditEntry:
        """What the principal did now: to `target`, which belongs to `user_id` (without one: to themselves)."""
        if principal.key_id is not None:
            details["key"] = principal.key_id
        return cls(
            action=action.value,
            created_at=now,
            user_id=user_id or principal.user_id,
            actor_id=principal.user_id,
            actor=principal.username,
            target=target,
            details=details,
            address=principal.address,
            request_id=principal.request_id,
        )
