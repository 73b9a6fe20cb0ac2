"""Users: made, listed and removed by admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from teleflow.api.access import Admin, Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain
from teleflow.api.operation import operation
from teleflow.api.simple.models import Message, NewUserBody, UserCreated, UserList, UserRow
from teleflow.model.users import User
from teleflow.services.accounts import NewUser
from teleflow.wire.instants import iso

router = APIRouter(prefix="/users", tags=["users"])
MASK = "********"


@router.post("", summary="Make a user", **operation("users.create", body=NewUserBody, errors=(403, 409)))
async def create(
    login: Admin, body: Annotated[NewUserBody, Depends(json_body(NewUserBody))], services: Uses
) -> UserCreated:
    new = NewUser(
        username=body.username,
        password=body.password,
        telegram_phone=body.telegram_phone,
        telegram_api_id=body.telegram_api_id,
        telegram_api_hash=body.telegram_api_hash,
        description=body.description,
    )
    user = await services.users.create(login.principal, new)
    return UserCreated(message="User created", username=user.username)


@router.get(
    "",
    summary="List users, newest first",
    **{**operation("users.list", errors=(403, 422)), "response_model_exclude_none": False},
)
async def list_(
    login: Admin,
    services: Uses,
    limit: Annotated[int, plain, Query(ge=1, le=1000)] = 1000,
    offset: Annotated[int, plain, Query(ge=0, le=10**9)] = 0,
) -> UserList:
    users, count = await services.users.page(login.principal, limit=limit, offset=offset)
    rows = [_row(user, connected=await services.users.connected(user)) for user in users]
    return UserList(users=rows, count=count)


@router.delete(
    "/{username}",
    summary="Remove a user with everything that is theirs",
    **operation("users.delete", errors=(403, 404)),
)
async def delete(login: Admin, username: str, services: Uses) -> Message:
    """Tokens end at once, the Telegram account is logged out and its keys are erased. Not oneself (400)."""
    await services.users.delete(login.principal, username)
    return Message(message=f"User {username} deleted")


def _row(user: User, *, connected: bool) -> UserRow:
    return UserRow(
        username=user.username,
        role=user.role.value,
        telegram_phone=user.telegram_phone,
        telegram_api_id=user.telegram_api_id,
        telegram_api_hash=MASK if user.telegram_api_hash else None,
        description=user.description,
        telegram_connected=connected,
        created_at=iso(user.created_at),
    )
