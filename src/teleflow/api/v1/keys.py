"""API keys: made, listed, revoked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import Body, Shape, Told, ok
from teleflow.api.v1.operation import operation
from teleflow.model.keys import ApiKey
from teleflow.model.users import Scope
from teleflow.services.keys import MOST_NAME, MOST_SESSIONS, NewKey
from teleflow.wire.instants import iso, parse_iso

router = APIRouter(prefix="/api/v1/keys", tags=["keys"])
ScopeName = Literal["read", "write", "admin"]


class NewKeyBody(Body):
    """`write` includes `read`, `admin` includes both and is an admin's. Without `sessionIds`: all sessions."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "shop", "scopes": ["write"], "expiresAt": "2027-01-01T00:00:00Z"}]}
    )

    name: str = Field(min_length=1, max_length=MOST_NAME)
    scopes: list[ScopeName] = Field(min_length=1, max_length=3)
    session_ids: list[str] | None = Field(None, min_length=1, max_length=MOST_SESSIONS)
    rate_limit: int | None = Field(None, ge=1, le=1_000_000, description="Requests a window, within the user's")
    expires_at: str | None = Field(None, max_length=40, json_schema_extra={"format": "date-time"})


class KeyShape(Shape):
    id: str
    name: str
    prefix: str
    scopes: list[ScopeName]
    session_ids: list[str] | None
    rate_limit: int | None
    by_login: bool
    is_active: bool
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class MadeKeyShape(KeyShape):
    """`key` is shown in this answer only."""

    key: str


@router.post(
    "",
    summary="Make an API key",
    **operation("keys.create", scope="write", data=MadeKeyShape, status=201, body=NewKeyBody, errors=(404,)),
)
async def create(
    caller: Writer, body: Annotated[NewKeyBody, Depends(json_body(NewKeyBody))], services: Uses
) -> Response:
    """It can do no more than whoever makes it."""
    new = NewKey(
        name=body.name,
        scopes=frozenset().union(*(Scope(name).included for name in body.scopes)),
        session_ids=None if body.session_ids is None else frozenset(body.session_ids),
        rate_limit=body.rate_limit,
        expires_at=None if body.expires_at is None else parse_iso(body.expires_at, field="expiresAt"),
    )
    made = await services.keys.create(caller.principal, new)
    shape = MadeKeyShape(**_fields(made.key, active=True), key=made.secret)
    return ok(shape, 201, nulls=True)


@router.get("", summary="List my API keys, newest first", **operation("keys.list", scope="read", data=list[KeyShape]))
async def list_(caller: Reader, services: Uses) -> Response:
    keys = await services.keys.mine(caller.principal)
    return ok([_shape(key, services) for key in keys], nulls=True)


@router.get("/{key_id}", summary="Get an API key", **operation("keys.get", scope="read", data=KeyShape, errors=(404,)))
async def get(caller: Reader, key_id: str, services: Uses) -> Response:
    return ok(_shape(await services.keys.get(caller.principal, key_id), services), nulls=True)


@router.delete(
    "/{key_id}", summary="Revoke an API key", **operation("keys.revoke", scope="write", data=Told, errors=(404,))
)
async def revoke(caller: Writer, key_id: str, services: Uses) -> Response:
    """It is dead at once, and so is the token that came with it."""
    await services.keys.revoke(caller.principal, key_id)
    return ok(Told(message="The key is revoked"))


def _shape(key: ApiKey, services: Uses) -> KeyShape:
    return KeyShape(**_fields(key, active=services.keys.is_alive(key)))


def _fields(key: ApiKey, *, active: bool) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": [scope.value for scope in Scope if scope in key.scopes],
        "session_ids": None if key.session_ids is None else sorted(key.session_ids),
        "rate_limit": key.rate_limit,
        "by_login": key.by_login,
        "is_active": active,
        "created_at": iso(key.created_at),
        "expires_at": None if key.expires_at is None else iso(key.expires_at),
        "last_used_at": None if key.last_used_at is None else iso(key.last_used_at),
    }
