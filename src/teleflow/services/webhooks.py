"""Webhooks: made, changed, tried out, ended.

Promises: a secret is shown once; nothing is sent to an address that the operator does not allow; a key that is limited
to some sessions makes and sees only webhooks that are limited to these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from teleflow.errors import Forbidden, Invalid, NotFound
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import id_of
from teleflow.kit.networks import Network
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.events import EventFilter, check_types
from teleflow.model.users import Principal
from teleflow.model.webhooks import Ordering, RetryPolicy, Webhook
from teleflow.services.owned import owned_session
from teleflow.services.webhook_rules import check_headers, check_secret
from teleflow.storage.base import SessionStore, WebhookStore
from teleflow.webhooks.signing import new_secret
from teleflow.webhooks.target import target
from teleflow.webhooks.worker import WEBHOOK

_log = structlog.get_logger(__name__)
MOST_TYPES = 50
MOST_SESSIONS = 100
OVERLAP_S = 86_400  # in which an old secret signs beside the new one
MOST_OVERLAP_S = 30 * 86_400
SHOWN = 1_000  # webhooks of a user: more than they may have


class Door(Protocol):
    """What of the way out is needed here: see `webhooks.egress.Egress`."""

    @property
    def allowed(self) -> tuple[Network, ...]: ...

    async def check(self, url: str) -> None: ...


class Store(WebhookStore, SessionStore, Protocol):
    """What webhooks need of the storage."""


@dataclass(frozen=True, slots=True, repr=False)
class Wish:
    """What a user says of a webhook. None: as it is, or as is usual. `session_ids` may be `ALL`."""

    url: str | None = None
    types: frozenset[str] | None = None
    session_ids: frozenset[str] | None = None
    all_sessions: bool = False
    secret: str | None = None
    headers: Mapping[str, str] | None = None
    policy: RetryPolicy | None = None
    ordering: Ordering | None = None
    description: str | None = None
    active: bool | None = None


class Webhooks:
    """All raise NotFound(WEBHOOK_NOT_FOUND) where one is named that is not the principal's."""

    def __init__(self, storage: Store, door: Door, clock: Clock, *, most: int) -> None:
        self._storage = storage
        self._door = door
        self._clock = clock
        self._most = most

    async def create(self, principal: Principal, wish: Wish) -> Webhook:
        """With its secret. Raises Invalid, NotFound (a session), Conflict TOO_MANY_WEBHOOKS."""
        if wish.url is None or wish.types is None:
            raise Invalid("A webhook has a url and events", details={"field": "url" if wish.url is None else "events"})
        now = self._now()
        webhook = Webhook(
            id=id_of(WEBHOOK, principal.act),
            user_id=principal.user_id,
            url=await self._url(wish.url),
            wanted=EventFilter(_types(wish.types), await self._sessions(principal, wish, principal.session_ids)),
            secret=new_secret() if wish.secret is None else check_secret(wish.secret),
            active=wish.active is not False,
            created_at=now,
            updated_at=now,
            headers=check_headers(wish.headers or {}),
            policy=wish.policy or RetryPolicy.DEFAULT,
            ordering=wish.ordering or Ordering.NONE,
            description=wish.description or "",
        )
        entry = self._entry(principal, Act.WEBHOOK_CREATED, webhook, host=_host(webhook.url))
        await self._storage.add_webhook(webhook, most=self._most, audit=entry)
        _log.info("webhook.created", id=webhook.id, user=webhook.user_id)
        return webhook

    async def mine(self, principal: Principal) -> list[Webhook]:
        """Newest first."""
        found = await self._storage.webhooks(principal.user_id, limit=SHOWN)
        return [webhook for webhook in found if _sees(principal, webhook)]

    async def get(self, principal: Principal, webhook_id: str) -> Webhook:
        webhook = await self._storage.webhook(principal.user_id, webhook_id)
        if webhook is None or not _sees(principal, webhook):
            raise NotFound("There is no webhook of this id", code="WEBHOOK_NOT_FOUND")
        return webhook

    async def update(self, principal: Principal, webhook_id: str, wish: Wish) -> Webhook:
        """A secret that is given is the only one at once. Raises as `create`."""
        webhook = await self.get(principal, webhook_id)
        wanted = EventFilter(
            webhook.wanted.types if wish.types is None else _types(wish.types),
            await self._sessions(principal, wish, webhook.wanted.session_ids),
        )
        changed: dict[str, Any] = {"wanted": wanted}
        if wish.url is not None:
            changed["url"] = await self._url(wish.url)
        if wish.secret is not None:
            changed |= {"secret": check_secret(wish.secret), "old_secret": None, "old_secret_until": None}
        if wish.headers is not None:
            changed["headers"] = check_headers(wish.headers)
        if wish.active is not None:
            changed |= {"active": wish.active, "disabled_because": None}
        changed |= {
            name: value
            for name, value in (
                ("policy", wish.policy),
                ("ordering", wish.ordering),
                ("description", wish.description),
            )
            if value is not None
        }
        return await self._change(principal, webhook, Act.WEBHOOK_UPDATED, changed)

    async def rotate(self, principal: Principal, webhook_id: str, *, secret: str | None, overlap: int) -> Webhook:
        """A new secret, which is shown; the old one signs beside it for `overlap` seconds."""
        webhook = await self.get(principal, webhook_id)
        changed: dict[str, Any] = {
            "secret": new_secret() if secret is None else check_secret(secret),
            "old_secret": webhook.secret if overlap else None,
            "old_secret_until": self._now() + overlap * 1000 if overlap else None,
        }
        return await self._change(principal, webhook, Act.WEBHOOK_SECRET_ROTATED, changed)

    async def enable(self, principal: Principal, webhook_id: str) -> Webhook:
        """Also one that the service has disabled. What was missed meanwhile is brought by a recovery."""
        webhook = await self.get(principal, webhook_id)
        changed = {"active": True, "disabled_because": None}
        return await self._change(principal, webhook, Act.WEBHOOK_ENABLED, changed)

    async def delete(self, principal: Principal, webhook_id: str) -> None:
        """With its deliveries; those under way may still arrive."""
        webhook = await self.get(principal, webhook_id)
        entry = self._entry(principal, Act.WEBHOOK_DELETED, webhook)
        if not await self._storage.remove_webhook(principal.user_id, webhook_id, audit=entry):
            raise NotFound("There is no webhook of this id", code="WEBHOOK_NOT_FOUND")
        _log.info("webhook.deleted", id=webhook_id, user=principal.user_id)

    async def _change(self, principal: Principal, webhook: Webhook, act: Act, changed: dict[str, Any]) -> Webhook:
        now = self._now()
        fresh = dataclasses.replace(webhook, updated_at=now, **changed)
        fields = sorted(name for name in changed if getattr(webhook, name) != getattr(fresh, name))
        entry = self._entry(principal, act, fresh, changed=fields)
        if not await self._storage.update_webhook(fresh, now=now, audit=entry):
            raise NotFound("There is no webhook of this id", code="WEBHOOK_NOT_FOUND")
        return await self.get(principal, webhook.id)

    async def check_session(self, principal: Principal, session_id: str) -> None:
        """Raises NotFound SESSION_NOT_FOUND for one that is not the principal's."""
        await owned_session(self._storage, principal, session_id)

    async def _url(self, text: str) -> str:
        url = target(text, allowed=self._door.allowed)
        await self._door.check(url)
        return url

    async def _sessions(
        self, principal: Principal, wish: Wish, standing: frozenset[str] | None
    ) -> frozenset[str] | None:
        """Those that are wished for, if the principal reaches them; None: all."""
        if wish.session_ids is None and not wish.all_sessions:
            return standing
        if wish.all_sessions or wish.session_ids is None:
            if principal.session_ids is not None:
                raise Forbidden("This key reaches only some sessions: name them")
            return None
        if not 0 < len(wish.session_ids) <= MOST_SESSIONS:
            raise Invalid(f"Name 1 to {MOST_SESSIONS} sessions", details={"field": "sessionIds"})
        for session_id in sorted(wish.session_ids):
            await self.check_session(principal, session_id)
        return wish.session_ids

    def _now(self) -> int:
        return milliseconds(self._clock.time())

    def _entry(self, principal: Principal, act: Act, webhook: Webhook, **details: Any) -> AuditEntry:
        return AuditEntry.by(principal, act, now=self._now(), target=webhook.id, **details)


def _types(asked: frozenset[str]) -> frozenset[str]:
    if len(asked) > MOST_TYPES:
        raise Invalid(f"Name at most {MOST_TYPES} types", details={"field": "events"})
    return check_types(asked, field="events")


def _sees(principal: Principal, webhook: Webhook) -> bool:
    reach, of = principal.session_ids, webhook.wanted.session_ids
    return reach is None or (of is not None and of <= reach)


def _host(url: str) -> str:
    return url.split("/")[2]
