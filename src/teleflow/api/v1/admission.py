"""Who may open a stream: whoever proves themselves as for any other route, or comes with a one-time ticket.

A ticket stands in the URL, since a browser can set no header there. Nothing that lives longer may: URLs end up in
logs and histories.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.types import Scope as AsgiScope

from teleflow.api import access
from teleflow.api.facts import Facts
from teleflow.api.v1.access import caller_of, check
from teleflow.errors import Malformed, Unauthenticated
from teleflow.model.events import EventFilter
from teleflow.model.tickets import StreamTicket
from teleflow.model.users import Principal, Scope
from teleflow.services.everything import Services
from teleflow.services.logins import LiveLogin

STREAM = "/api/v1/events"
SOCKET = "/api/v1/ws"
_PATHS = frozenset({STREAM, SOCKET})
_KEY = "teleflow.ticket"  # where a scope keeps the one that opened it
_MOST_FIELDS = 20
_LASTING = re.compile(r"(?i)token|key|secret|password|authorization|jwt|bearer")
_MOST_CHARACTERS = 64


def offers_ticket(scope: AsgiScope) -> bool:
    return scope["path"] in _PATHS and b"ticket=" in scope["query_string"]


async def proven(scope: AsgiScope, known: Facts, services: Services) -> LiveLogin:
    """Who calls. Raises Unauthenticated, Malformed."""
    if scope["path"] not in _PATHS or not scope["query_string"]:
        return await access.proven(known, services)
    given = _ticket(query(scope))
    if given is None:
        return await access.proven(known, services)
    if b"authorization" in known.headers or b"x-api-key" in known.headers:
        raise Malformed("Say who you are once: by a ticket, or by a header")
    ticket, login = await services.tickets.take(given)
    scope[_KEY] = ticket
    return access.seen(login, known)


def query(scope: AsgiScope) -> dict[str, str]:
    """The query by name, the last of each. Raises Malformed."""
    try:
        return dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Malformed("The query is not readable") from None


def _ticket(named: dict[str, str]) -> str | None:
    given = named.get("ticket")
    if any(_LASTING.search(name) for name in named) or (given is not None and len(given) > _MOST_CHARACTERS):
        raise Unauthenticated(
            "Keys and tokens do not belong in a URL: ask for a one-time ticket (POST /api/v1/events/tickets)",
            code="TOKEN_IN_URL",
        )
    return given


async def wanted(
    scope: AsgiScope, services: Services, *, types: list[str] | None, session_id: str | None
) -> EventFilter:
    """What the caller asks for, within what their ticket is for. Raises Invalid, NotFound."""
    principal = caller_of(scope).principal
    asked = await services.events.wanted(principal, types=types, session_id=session_id)
    outer = await limit(scope, services)
    return asked if outer is None else asked.within(outer)


async def limit(scope: AsgiScope, services: Services) -> EventFilter | None:
    """What the ticket that opened this is for, None where none did. Raises NotFound for a session that is gone."""
    ticket: StreamTicket | None = scope.get(_KEY)
    if ticket is None:
        return None
    principal = caller_of(scope).principal
    return await services.events.wanted(principal, types=sorted(ticket.types), session_id=ticket.session_id)


def still(scope: AsgiScope, known: Facts, services: Services) -> Callable[[], Awaitable[Principal]]:
    """Whether the caller may read on: who they are now. What it gives raises Unauthenticated, Forbidden."""
    ticket: StreamTicket | None = scope.get(_KEY)

    async def asked() -> Principal:
        login = await (access.proven(known, services) if ticket is None else services.tickets.still(ticket))
        check(login, Scope.READ)
        return login.principal

    return asked


def token_end(known: Facts, services: Services) -> int | None:
    """When the token that came with a request ends by itself, in Unix milliseconds; None for a key."""
    if b"authorization" not in known.headers:
        return None
    return services.auth.ends_at(access.bearer_token(known)) * 1000


def listed(types: str | None) -> list[str] | None:
    """Types as a query names them."""
    return None if types is None else [one.strip() for one in types.split(",") if one.strip()]
