"""Who calls: the bearer token of a request, read the same way everywhere."""

from __future__ import annotations

import hmac
import re
from typing import Annotated, cast

from fastapi import Depends, Request

from teleflow.api import facts as facts_module
from teleflow.api.bodies import refuse_unreadable
from teleflow.api.facts import Facts
from teleflow.errors import Forbidden, Malformed, Unauthenticated
from teleflow.model.browsers import COOKIE, csrf_token
from teleflow.model.users import Principal
from teleflow.services.everything import Services
from teleflow.services.logins import LiveLogin
from teleflow.services.tokens import MOST_CHARACTERS

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/=-]+")


def bearer_token(facts: Facts) -> str:
    """Raises Malformed for a contradictory request, Unauthenticated for a missing or unreadable token."""
    given = facts.headers.get(b"authorization")
    key = facts.headers.get(b"x-api-key")
    if b"authorization" in facts.repeated or (given is not None and key is not None):
        raise Malformed("Say who you are once: one Authorization header, or one X-API-Key")
    if given is None:
        raise Unauthenticated("Not authenticated" if key is None else "API keys are for the routes under /api/v1")
    scheme, _, token = given.partition(b" ")
    if scheme.lower() != b"bearer" or len(token) > MOST_CHARACTERS or not _TOKEN.fullmatch(token):
        raise Unauthenticated("The Authorization header must be: Bearer <access token>")
    return token.decode()


def api_key(facts: Facts) -> bytes | None:
    """The API key that came, None when none did. Raises Malformed for a contradictory request, Unauthenticated."""
    key = facts.headers.get(b"x-api-key")
    if key is None:
        return None
    if b"x-api-key" in facts.repeated or b"authorization" in facts.headers:
        raise Malformed("Say who you are once: one Authorization header, or one X-API-Key")
    if not 0 < len(key) <= MOST_CHARACTERS:
        raise Unauthenticated("The API key is not valid")
    return key


def cookie(facts: Facts) -> str | None:
    """The secret of a signed-in browser, None when none came. Raises Malformed when two did."""
    given = facts.headers.get(b"cookie")
    if given is None:
        return None
    pairs = (pair.strip().partition(b"=") for pair in given.split(b";"))
    found = [value for name, _, value in pairs if name == COOKIE.encode()]
    if len(found) > 1 or (found and b"cookie" in facts.repeated):
        raise Malformed("Say who you are once: one cookie")
    return found[0].decode("latin-1") if found else None


async def _by_cookie(facts: Facts, services: Services) -> LiveLogin | None:
    """Who a browser is signed in as, where it is and no header says who calls.

    A browser sends its cookie by itself, whichever page asks it to: so the page has to be one of ours, and for
    whatever changes something it has to bring the token that only pages of ours can read.
    Raises Unauthenticated, Malformed, Forbidden.
    """
    if b"authorization" in facts.headers or b"x-api-key" in facts.headers:
        return None
    secret = cookie(facts)
    if secret is None:
        return None
    if not facts.own_origin():
        raise Forbidden("Pages of another origin may not use this browser's login", code="ORIGIN_NOT_ALLOWED")
    login = services.browsers.recognise(secret) or await services.browsers.authenticate(secret)
    if facts.method not in _SAFE:
        given = facts.headers.get(b"x-csrf-token", b"")
        if b"x-csrf-token" in facts.repeated or not hmac.compare_digest(given, csrf_token(secret).encode()):
            raise Forbidden("X-CSRF-Token is missing or wrong", code="CSRF_TOKEN_WRONG")
    facts.by_browser = True
    return login


async def proven(facts: Facts, services: Services) -> LiveLogin:
    """Who calls a route under `/api/v1`: by key, by a token of either API, or by cookie.

    Raises Unauthenticated, Malformed, Forbidden.
    """
    signed_in = await _by_cookie(facts, services)
    if signed_in is not None:
        return seen(signed_in, facts)
    key = api_key(facts)
    if key is not None:
        login = services.keys.recognise(key) or await services.keys.authenticate(key)
    else:
        token = bearer_token(facts)
        auth = services.auth
        login = auth.recognise(token, of_keys=True) or await auth.authenticate(token, of_keys=True)
    services.keys.used(login)
    return seen(login, facts)


async def recognised(facts: Facts, services: Services) -> LiveLogin:
    """Raises Unauthenticated, Malformed, Forbidden."""
    signed_in = await _by_cookie(facts, services)
    if signed_in is not None:
        return signed_in
    token = bearer_token(facts)
    return services.auth.recognise(token) or await services.auth.authenticate(token)


def seen(login: LiveLogin, facts: Facts) -> LiveLogin:
    """The login as that of this request."""
    who = login.principal
    by_key = b"x-api-key" in facts.headers
    # Written out: `dataclasses.replace` costs more than the look-up before it.
    principal = Principal(
        who.user_id,
        who.username,
        who.role,
        who.login_id,
        who.key_id,
        by_key,
        who.scopes,
        who.session_ids,
        facts.address,
        facts.request_id,
    )
    return LiveLogin(principal, login.user, login.read_at, login.rate_limit)


def services_of(request: Request) -> Services:
    return cast("Services", request.app.state.services)


async def _caller(request: Request) -> LiveLogin:
    facts = facts_module.of(request.scope)
    try:
        return seen(await recognised(facts, services_of(request)), facts)
    except Unauthenticated:
        await refuse_unreadable(facts, request.receive)
        raise


async def _admin(login: Annotated[LiveLogin, Depends(_caller)]) -> LiveLogin:
    if not login.principal.is_admin:
        raise Forbidden("Only an admin may do this")
    return login


async def _services(request: Request) -> Services:
    """Async: the framework would run anything else in a thread."""
    return services_of(request)


Uses = Annotated[Services, Depends(_services)]
Caller = Annotated[LiveLogin, Depends(_caller)]
Admin = Annotated[LiveLogin, Depends(_admin)]
