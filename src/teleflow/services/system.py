"""How the service itself is: for the page about it, and for who looks after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from teleflow.config import Settings
from teleflow.errors import Forbidden
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.users import Principal, Scope
from teleflow.services.health import Health
from teleflow.storage.base import Storage

_HIDDEN = "***"
_MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Condition:
    """`uptime` in seconds, `lag` in milliseconds: how late the loop came round just now. `states`: of the asker's
    sessions, how many are in which.
    """

    healthy: bool
    uptime: float
    started_at: int
    lag: float
    states: dict[str, int]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in force, as its variable. A secret's value is never told, only that it is set."""

    name: str
    value: str | None
    is_set: bool
    is_secret: bool
    description: str


class System:
    """See the module."""

    def __init__(self, settings: Settings, storage: Storage, health: Health, clock: Clock) -> None:
        self._settings = settings
        self._storage = storage
        self._health = health
        self._clock = clock

    async def condition(self, principal: Principal) -> Condition:
        report = await self._health.report()
        before = self._clock.monotonic()
        await self._clock.sleep(0)
        lag = (self._clock.monotonic() - before) * 1000
        states: dict[str, int] = {}
        for session in await self._storage.sessions(principal.user_id, limit=_MOST_COUNTED):
            if principal.sees(session.id):
                states[session.state.value] = states.get(session.state.value, 0) + 1
        started = milliseconds(report.timestamp - report.uptime)
        return Condition(report.healthy, report.uptime, started, round(lag, 3), states)

    def settings(self, principal: Principal) -> list[Setting]:
        """Raises Forbidden."""
        if not principal.may(Scope.ADMIN):
            raise Forbidden("Only an admin may do this")
        return [self._setting(name) for name in Settings.model_fields]

    def _setting(self, name: str) -> Setting:
        field, value = Settings.model_fields[name], getattr(self._settings, name)
        secret = SecretStr in getattr(field.annotation, "__args__", ()) or "secret" in name or "access_key" in name
        return Setting(
            name=name.upper(),
            value=_shown(value, secret=secret, address=not field.repr),
            is_set=value is not None and value != field.get_default(call_default_factory=True),
            is_secret=secret,
            description=field.description or "",
        )


def _shown(value: Any, *, secret: bool, address: bool) -> str | None:
    if value is None:
        return None
    if secret or isinstance(value, SecretStr):
        return _HIDDEN
    if address:  # a database's URL may hold a password: its kind is all that is told
        return f"{urlsplit(str(value)).scheme}:{_HIDDEN}"
    return str(value)
