"""Signing in and out from a browser: a cookie in place of a token, good for every route.

What changes something needs the page's `csrfToken` beside it, in `X-CSRF-Token`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ConfigDict, Field

from teleflow.api import access
from teleflow.api import facts as facts_module
from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import Reader
from teleflow.api.v1.envelope import Body, Shape, Told, ok
from teleflow.api.v1.operation import operation
from teleflow.errors import Forbidden
from teleflow.model.browsers import COOKIE, csrf_token
from teleflow.model.users import User

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])
_RULES = "Path=/; Secure; HttpOnly; SameSite=Strict"


class SignInBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "admin", "password": "a long and secret sentence"}]}
    )

    name: str
    password: str = Field(json_schema_extra={"format": "password"})


class BrowserShape(Shape):
    """`csrfToken` is null where no cookie proves the caller: nothing but the header is needed then."""

    id: str
    name: str
    role: str
    csrf_token: str | None

    @classmethod
    def of(cls, user: User, csrf: str | None) -> BrowserShape:
        return cls(id=user.id, name=user.username, role=user.role.value, csrf_token=csrf)


@router.post(
    "/sign-in",
    summary="Sign in from a browser",
    **operation("auth.signIn", scope=None, data=BrowserShape, body=SignInBody, errors=(401, 403)),
)
async def sign_in(
    request: Request, body: Annotated[SignInBody, Depends(json_body(SignInBody))], services: Uses
) -> Response:
    """Sets a cookie that pages of this origin send by themselves. An earlier sign-in of this browser ends."""
    facts = facts_module.of(request.scope)
    if not facts.own_origin():
        raise Forbidden("Pages of another origin may not sign in here", code="ORIGIN_NOT_ALLOWED")
    made = await services.browsers.sign_in(
        body.name,
        body.password,
        address=facts.address,
        request_id=facts.request_id,
        before=access.cookie(facts),
    )
    cookie = f"{COOKIE}={made.secret}; Max-Age={made.life}; {_RULES}"
    return ok(BrowserShape.of(made.user, made.csrf), nulls=True, headers={"Set-Cookie": cookie})


@router.get(
    "/browser",
    summary="Who is signed in here?",
    **operation("auth.browser", scope="read", data=BrowserShape, errors=(403,)),
)
async def browser(request: Request, caller: Reader) -> Response:
    facts = facts_module.of(request.scope)
    secret = access.cookie(facts) if facts.by_browser else None
    return ok(BrowserShape.of(caller.user, None if secret is None else csrf_token(secret)), nulls=True)


@router.post(
    "/sign-out",
    summary="Sign this browser out",
    **operation("auth.signOut", scope="read", data=Told, unsafe=True, errors=(403,)),
)
async def sign_out(caller: Reader, services: Uses) -> Response:
    """What proved the caller ends, as with `logout`; and the browser forgets its cookie."""
    await services.keys.log_out(caller.principal)
    return ok(Told(message="Signed out"), headers={"Set-Cookie": f"{COOKIE}=; Max-Age=0; {_RULES}"})
