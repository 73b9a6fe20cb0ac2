"""How contacts, rules of privacy and logins of an account are told."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from teleflow.api.v1.chat_shapes import ChatShape, PersonShape
from teleflow.api.v1.envelope import Shape
from teleflow.model.account import Authorization, ShownRule
from teleflow.model.peers import PeerKind
from teleflow.wire.instants import iso


class ImportedShape(Shape):
    """One of those that were to be imported, in their order.

    `person` is left out for who is not on Telegram, or hides it. `retry`: Telegram wants to be asked for this
    one once more, later.
    """

    phone: str
    person: PersonShape | None = None
    retry: bool | None = None


class BlockedShape(ChatShape):
    blocked_at: str


class FoundShape(Shape):
    """`known` are those that the account has to do with already."""

    known: list[ChatShape]
    others: list[ChatShape]


class ResolvedShape(Shape):
    """`chatId` is the marked id."""

    chat_id: str
    type: str = Field(json_schema_extra={"enum": ["user", "group", "channel"]})


class PhotoShape(Shape):
    photo_file_id: str


class DoneShape(Shape):
    done: bool


class RuleShape(Shape):
    """`rule` as in the request; `userIds` and `chatIds` are those whom it names, chats by bare ids."""

    rule: str
    user_ids: list[str] | None = None
    chat_ids: list[str] | None = None


class AuthorizationShape(Shape):
    """A login of the account, at any program. `id` names it here; `isCurrent` is this session's own."""

    id: str
    device: str
    platform: str
    system: str
    app: str
    app_version: str
    created_at: str
    active_at: str
    ip: str
    country: str
    region: str
    is_current: bool | None = None
    is_official: bool | None = None
    password_pending: bool | None = None
    unconfirmed: bool | None = None


KIND_NAMES = {PeerKind.USER: "user", PeerKind.CHAT: "group", PeerKind.CHANNEL: "channel"}


def told_rule(rule: ShownRule) -> dict[str, Any]:
    told: dict[str, Any] = {"rule": rule.rule}
    if rule.users:
        told["userIds"] = [str(one) for one in rule.users]
    if rule.chats:
        told["chatIds"] = [str(one) for one in rule.chats]
    return told


def told_authorization(one: Authorization) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": str(one.hash),
        "device": one.device,
        "platform": one.platform,
        "system": one.system,
        "app": one.app,
        "appVersion": one.app_version,
        "createdAt": iso(one.created_at * 1000),
        "activeAt": iso(one.active_at * 1000),
        "ip": one.ip,
        "country": one.country,
        "region": one.region,
    }
    for key, flag in (
        ("isCurrent", one.current),
        ("isOfficial", one.official),
        ("passwordPending", one.password_pending),
        ("unconfirmed", one.unconfirmed),
    ):
        if flag:
            told[key] = True
    return told
