"""Logging in to the service: OAuth2 password flow, rotating refresh tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from teleflow.api import facts as facts_module
from teleflow.api.access import Caller, Uses
from teleflow.api.bodies import json_body, read_form, refuse_fields
from teleflow.api.operation import operation
from teleflow.api.simple.models import Me, Message, RefreshBody, TokenAnswer
from teleflow.services.auth import TokenPair
from teleflow.wire.instants import iso

router = APIRouter(prefix="/auth", tags=["auth"])
_LOGIN_FORM = {
    "type": "object",
    "required": ["username", "password"],
    "properties": {
        "username": {"type": "string"},
        "password": {"type": "string", "format": "password"},
        "grant_type": {"type": "string", "description": "Ignored: this is the password flow"},
    },
    "examples": [{"username": "admin", "password": "a long and secret sentence"}],
}


def _told(pair: TokenPair) -> TokenAnswer:
    return TokenAnswer(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


@router.post(
    "/login",
    summary="Trade username and password for tokens",
    **operation("auth.login", access="anybody", form=_LOGIN_FORM, errors=(401, 429)),
)
async def login(request: Request, services: Uses) -> TokenAnswer:
    form = await read_form(request)
    missing = [(name, "Field required") for name in ("username", "password") if name not in form]
    if missing:
        refuse_fields(missing)
    facts = facts_module.of(request.scope)
    pair = await services.auth.login(
        form["username"], form["password"], address=facts.address, request_id=facts.request_id
    )
    return _told(pair)


@router.post(
    "/refresh",
    summary="Trade a refresh token for the next pair",
    **operation("auth.refresh", access="anybody", body=RefreshBody, errors=(401,)),
)
async def refresh(
    request: Request, body: Annotated[RefreshBody, Depends(json_body(RefreshBody))], services: Uses
) -> TokenAnswer:
    """The old token is dead from then on; a dead one that comes back ends its whole login."""
    facts = facts_module.of(request.scope)
    pair = await services.auth.refresh(
        body.refresh_token, arrived_at=facts.arrived_at, address=facts.address, request_id=facts.request_id
    )
    return _told(pair)


@router.post(
    "/logout",
    summary="End the login that a refresh token belongs to",
    **operation("auth.logout", access="anybody", body=RefreshBody),
)
async def logout(
    request: Request, body: Annotated[RefreshBody, Depends(json_body(RefreshBody))], services: Uses
) -> Message:
    """Its access tokens end with it. Repeating it, or an unknown token, is no error."""
    facts = facts_module.of(request.scope)
    await services.auth.logout(body.refresh_token, address=facts.address, request_id=facts.request_id)
    return Message(message="Logged out")


@router.post("/logout-all", summary="End every login of the caller", **operation("auth.logoutAll"))
async def logout_all(login: Caller, services: Uses) -> Message:
    ended = await services.auth.logout_all(login.principal.user_id, by=login.principal)
    return Message(message=f"Logged out everywhere ({ended})")


@router.get("/me", summary="Who am I?", **{**operation("auth.me"), "response_model_exclude_none": False})
async def me(login: Caller, services: Uses) -> Me:
    user = login.user
    return Me(
        username=user.username,
        role=user.role.value,
        telegram_phone=user.telegram_phone,
        telegram_connected=await services.users.connected(user),
        description=user.description,
        created_at=iso(user.created_at),
    )
