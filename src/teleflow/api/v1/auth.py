"""Logging in and out for programs: a key, and a token that lives with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ConfigDict, Field

from teleflow.api import facts as facts_module
from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import KEY, Reader, Writer
from teleflow.api.v1.envelope import Body, Shape, Told, ok
from teleflow.api.v1.operation import operation
from teleflow.services.logins import LiveLogin
from teleflow.wire.instants import iso

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class LoginBody(Body):
    """With a password: who one is. Without: what the further key is called, X-API-Key saying who one is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "admin", "password": "a long and secret sentence"}]}
    )

    name: str
    password: str | None = Field(None, json_schema_extra={"format": "password"})


class PasswordBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"currentPassword": "the old one", "newPassword": "a new and longer one"}]}
    )

    current_password: str = Field(json_schema_extra={"format": "password"})
    new_password: str = Field(json_schema_extra={"format": "password"})


class LoginShape(Shape):
    """`apiKey` is shown here only. `jwt` lives 7 days, and no longer than the key."""

    api_key: str
    jwt: str
    role: str


class MeShape(Shape):
    id: str
    name: str
    role: str
    is_active: bool
    created_at: str


@router.post(
    "/login",
    summary="Get an API key and a token",
    **operation("auth.logInProgram", scope=None, data=LoginShape, status=201, body=LoginBody, errors=(401, 409)),
)
async def login(
    request: Request, body: Annotated[LoginBody, Depends(json_body(LoginBody))], services: Uses
) -> Response:
    """`{name, password}`, or `{name}` with a valid `X-API-Key`: a further key of that name, of the same scopes."""
    facts = facts_module.of(request.scope)
    known: LiveLogin | None = request.scope.get(KEY)
    if body.password is not None:
        made = await services.keys.log_in(body.name, body.password, address=facts.address, request_id=facts.request_id)
    elif known is not None:
        made = await services.keys.log_in_by_key(known, body.name)
    else:
        await services.auth.refuse(body.name, address=facts.address, request_id=facts.request_id)
    return ok(LoginShape(api_key=made.secret, jwt=made.token, role=made.role.value), 201)


@router.post(
    "/logout",
    summary="End what made this call: the key with its token, or the login",
    **operation("auth.logOutProgram", scope="read", data=Told, unsafe=True),
)
async def logout(caller: Reader, services: Uses) -> Response:
    await services.keys.log_out(caller.principal)
    return ok(Told(message="Logged out"))


@router.get("/me", summary="Who am I?", **operation("auth.whoami", scope="read", data=MeShape))
async def me(caller: Reader) -> Response:
    user = caller.user
    return ok(
        MeShape(id=user.id, name=user.username, role=user.role.value, is_active=True, created_at=iso(user.created_at))
    )


@router.post(
    "/password",
    summary="Change my password",
    **operation("auth.changePassword", scope="write", data=Told, body=PasswordBody),
)
async def password(
    caller: Writer, body: Annotated[PasswordBody, Depends(json_body(PasswordBody))], services: Uses
) -> Response:
    """Every login ends with it, this one too, and every key that came of a login. Keys for programs stay."""
    await services.users.change_password(caller.principal, caller.user, body.current_password, body.new_password)
    return ok(Told(message="The password is changed"))
