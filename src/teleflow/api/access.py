"""Who calls: the bearer token of a request, read the same way everywhere."""

from __future__ import annotations

import re
from typing import Annotated, cast

from fastapi import Depends, Request

from teleflow.api import facts as facts_module
from teleflow.api.bodies import refuse_unreadable
from teleflow.api.facts import Facts
from teleflow.errors import Forbidden, Malformed, Unauthenticated
from teleflow.services.everything import Services
from teleflow.services.logins import LiveLogin
from teleflow.services.tokens import MOST_CHARACTERS

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/=-]+")


def bearer_token(facts: Facts) -> str:
    """Raises Malformed for a contradictory request, Unauthenticated for a missing or unreadable token."""
    given = facts.headers.get(b"authorization")
    key = facts.headers.get(b"x-api-key")
    if b"authorization" in facts.repeated or (given is not None and key is not None):
        raise Malformed("Say who you are once: one Authorization header, or one X-API-Key")
    if given is None:
        raise Unauthenticated("Not authenticated" if key is None else "API keys are not accepted here")
    scheme, _, token = given.partition(b" ")
    if scheme.lower() != b"bearer" or len(token) > MOST_CHARACTERS or not _TOKEN.fullmatch(token):
        raise Unauthenticated("The Authorization header must be: Bearer <access token>")
    return token.decode()


async def recognised(facts: Facts, services: Services) -> LiveLogin:
    """Raises Unauthenticated, Malformed."""
    token = bearer_token(facts)
    return services.auth.recognise(token) or await services.auth.authenticate(token)


def services_of(request: Request) -> Services:
    return cast("Services", request.app.state.services)


async def _caller(request: Request) -> LiveLogin:
    facts = facts_module.of(request.scope)
    try:
        return await recognised(facts, services_of(request))
    except Unauthenticated:
        await refuse_unreadable(facts, request.receive)
        raise


async def _admin(login: Annotated[LiveLogin, Depends(_caller)]) -> LiveLogin:
    if not login.principal.is_admin:
        raise Forbidden("Only an admin may do this")
    return login


Uses = Annotated[Services, Depends(services_of)]
Caller = Annotated[LiveLogin, Depends(_caller)]
Admin = Annotated[LiveLogin, Depends(_admin)]
