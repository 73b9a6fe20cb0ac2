"""Invite links and who comes by them: what is said, and how it is told."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from teleflow.api.v1.chat_shapes import PersonShape, person
from teleflow.api.v1.envelope import Body, Shape
from teleflow.api.v1.group_shapes import Instant, tellable
from teleflow.model.invites import Comer, Invite, InviteTerms
from teleflow.wire.messages import FileId

_Title = Annotated[str, Field(max_length=32), AfterValidator(tellable)]
_Limit = Annotated[int, Field(ge=0, le=99_999, description="How many may come by it; 0: any number.")]


class InviteBody(Body):
    """With nothing said it has no limits."""

    title: _Title | None = Field(None, description="Shown to admins only.")
    expires_at: Instant | None = None
    usage_limit: _Limit | None = None
    by_request: bool = Field(False, description="Whoever comes by it waits to be let in.")

    def terms(self) -> InviteTerms:
        return InviteTerms(self.title, self.expires_at, self.usage_limit, self.by_request)


class EditInviteBody(Body):
    """What is left out stays as it is."""

    title: _Title | None = None
    expires_at: Annotated[int, Field(ge=0, le=2**31 - 1, description="Unix seconds; 0: never.")] | None = None
    usage_limit: _Limit | None = None
    by_request: bool | None = None

    def terms(self) -> InviteTerms:
        return InviteTerms(self.title, self.expires_at, self.usage_limit, self.by_request)


class InviteShape(Shape):
    """`hash` names it in a path. Flags are told when they are true."""

    hash: str
    link: str
    admin_id: str
    created_at: int
    title: str | None = None
    expires_at: int | None = None
    usage_limit: int | None = None
    usage: int
    requested: int = Field(description="How many wait by it to be let in.")
    by_request: bool | None = None
    is_permanent: bool | None = None
    is_revoked: bool | None = None


class RevokedShape(Shape):
    invite: InviteShape
    successor: InviteShape | None = Field(
        None, description="The new permanent link, where the permanent one was revoked."
    )


class ComerShape(Shape):
    """`at`: when they came, or asked. `about` is what they say of themselves."""

    person: PersonShape
    at: int
    about: str | None = None
    approved_by: str | None = None


def invite(one: Invite) -> dict[str, Any]:
    told: dict[str, Any] = {
        "hash": one.hash,
        "link": one.link,
        "adminId": str(one.admin_id),
        "createdAt": one.created_at,
        "usage": one.usage,
        "requested": one.requested,
    }
    known = (("title", one.title), ("expiresAt", one.expires_at), ("usageLimit", one.usage_limit))
    told.update({name: value for name, value in known if value is not None})
    flags = (("byRequest", one.by_request), ("isPermanent", one.permanent), ("isRevoked", one.revoked))
    told.update({name: True for name, is_so in flags if is_so})
    return told


def comer(one: Comer, file_id: FileId) -> dict[str, Any]:
    told: dict[str, Any] = {"person": person(one.person, file_id), "at": one.at}
    if one.about is not None:
        told["about"] = one.about
    if one.approved_by is not None:
        told["approvedBy"] = str(one.approved_by)
    return told
