"""Users, for admins: made, listed, given roles and passwords, removed."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain
from teleflow.api.v1.access import Administrator
from teleflow.api.v1.envelope import Body, Shape, Told, ok
from teleflow.api.v1.operation import operation
from teleflow.model.users import Role, User
from teleflow.services.accounts import NewUser
from teleflow.wire.instants import iso

router = APIRouter(prefix="/api/v1/users", tags=["users"])
RoleName = Literal["admin", "user"]


class NewUserBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "john", "password": "a long enough one"}]})

    name: str
    password: str = Field(json_schema_extra={"format": "password"})
    role: RoleName = "user"
    description: str | None = Field(None, max_length=500)


class RoleBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "admin"}]})

    role: RoleName


class ResetBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "a long enough one"}]})

    password: str = Field(json_schema_extra={"format": "password"})


class UserShape(Shape):
    id: str
    name: str
    role: RoleName
    description: str | None = None
    is_active: bool
    created_at: str


class UserPage(Shape):
    items: list[UserShape]
    total: int


@router.post(
    "", summary="Make a user", **operation("users.add", scope="admin", data=UserShape, status=201, body=NewUserBody)
)
async def create(
    caller: Administrator, body: Annotated[NewUserBody, Depends(json_body(NewUserBody))], services: Uses
) -> Response:
    new = NewUser(body.name, body.password, role=Role(body.role), description=body.description)
    return ok(_shape(await services.users.create(caller.principal, new, need_credentials=False)), 201)


@router.get(
    "",
    summary="List users, newest first",
    **operation("users.page", scope="admin", data=UserPage, errors=(422,), unsafe=False),
)
async def list_(
    caller: Administrator,
    services: Uses,
    limit: Annotated[int, plain, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, plain, Query(ge=0, le=10**9)] = 0,
) -> Response:
    users, total = await services.users.page(caller.principal, limit=limit, offset=offset)
    return ok(UserPage(items=[_shape(user) for user in users], total=total))


@router.get(
    "/{user_id}",
    summary="Get a user",
    **operation("users.get", scope="admin", data=UserShape, errors=(404,), unsafe=False),
)
async def get(caller: Administrator, user_id: str, services: Uses) -> Response:
    return ok(_shape(await services.users.get(caller.principal, user_id)))


@router.patch(
    "/{user_id}",
    summary="Change a user's role",
    **operation("users.setRole", scope="admin", data=UserShape, body=RoleBody, errors=(404,)),
)
async def set_role(
    caller: Administrator, user_id: str, body: Annotated[RoleBody, Depends(json_body(RoleBody))], services: Uses
) -> Response:
    """Not one's own (409), and not the last admin's."""
    return ok(_shape(await services.users.set_role(caller.principal, user_id, Role(body.role))))


@router.post(
    "/{user_id}/password",
    summary="Give a user a new password",
    **operation("users.resetPassword", scope="admin", data=Told, body=ResetBody, errors=(404,)),
)
async def reset_password(
    caller: Administrator, user_id: str, body: Annotated[ResetBody, Depends(json_body(ResetBody))], services: Uses
) -> Response:
    """Every login of theirs ends, and every key that came of a login."""
    await services.users.reset_password(caller.principal, user_id, body.password)
    return ok(Told(message="The password is changed"))


@router.delete(
    "/{user_id}",
    summary="Remove a user with everything that is theirs",
    **operation("users.remove", scope="admin", data=Told, errors=(404,)),
)
async def delete(caller: Administrator, user_id: str, services: Uses) -> Response:
    """Keys and tokens end at once, their Telegram accounts are logged out and the keys erased. Not oneself (409)."""
    await services.users.delete_by_id(caller.principal, user_id)
    return ok(Told(message="The user is removed"))


def _shape(user: User) -> UserShape:
    return UserShape(
        id=user.id,
        name=user.username,
        role=user.role.value,
        description=user.description,
        is_active=True,
        created_at=iso(user.created_at),
    )
