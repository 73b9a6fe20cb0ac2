"""Who am I, over `/api/v1`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from teleflow.api.instants import iso
from teleflow.api.v1.access import Reader
from teleflow.api.v1.envelope import Shape, ok
from teleflow.api.v1.operation import operation

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class MeShape(Shape):
    id: str
    name: str
    role: str
    is_active: bool
    created_at: str


@router.get("/me", summary="Who am I?", **operation("auth.whoami", scope="read", data=MeShape))
async def me(login: Reader) -> Response:
    user = login.user
    return ok(
        MeShape(id=user.id, name=user.username, role=user.role.value, is_active=True, created_at=iso(user.created_at))
    )
