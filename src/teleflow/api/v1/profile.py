"""The account behind a session: its profile, its privacy, and where else it is logged in."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body, refuse_fields
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.chat_shapes import PersonShape, person
from teleflow.api.v1.envelope import Body, plain
from teleflow.api.v1.message_bodies import ChatId, enumerated, said
from teleflow.api.v1.messages import THROUGH
from teleflow.api.v1.operation import operation
from teleflow.api.v1.people_shapes import (
    AuthorizationShape,
    DoneShape,
    PhotoShape,
    RuleShape,
    told_authorization,
    told_rule,
)
from teleflow.api.v1.pictures import FORM, read_picture
from teleflow.model.account import PrivacyKey, PrivacyRule
from teleflow.model.peers import parse_ref

router = APIRouter(prefix="/api/v1/sessions/{id}", tags=["account"])
SessionPath = Annotated[str, Path(alias="id", min_length=1, max_length=64)]
PHOTO = "/me/photo"


class ProfileBody(Body):
    """What is left out stays."""

    first_name: said(64, 1) | None = None  # type: ignore[valid-type]
    last_name: said(64) | None = None  # type: ignore[valid-type]
    about: said(140) | None = None  # type: ignore[valid-type]


class UsernameBody(Body):
    username: Annotated[str, Field(max_length=32, pattern="^@?[A-Za-z0-9_]*$", description="Empty: take it off.")]


class PhotoBody(Body):
    file_id: Annotated[str, Field(min_length=1, max_length=2048, description="A photo that the session was told of.")]


class RuleBody(Body):
    """`chatIds` for the rules that name somebody: people, or for …_chat_participants groups."""

    rule: Annotated[PrivacyRule, enumerated(PrivacyRule)]
    chat_ids: Annotated[list[ChatId], Field(max_length=100)] | None = None


class PrivacyBody(Body):
    """All rules, in their order: the first that fits somebody holds for them."""

    rules: Annotated[list[RuleBody], Field(min_length=1, max_length=20)]


@router.patch(
    "/me",
    summary="Change the account's name, or what it says of itself",
    **operation("account.update", scope="write", data=PersonShape, errors=THROUGH, body=ProfileBody),
)
async def update(
    session_id: SessionPath,
    login: Writer,
    services: Uses,
    body: Annotated[ProfileBody, Depends(json_body(ProfileBody))],
) -> Response:
    found = await services.people.update(
        login.principal, session_id, first_name=body.first_name, last_name=body.last_name, about=body.about
    )
    return plain(person(found, partial(services.file_ids.token, session_id)))


@router.put(
    "/me/username",
    summary="Set the account's username",
    **operation("account.setUsername", scope="write", data=PersonShape, errors=THROUGH, body=UsernameBody),
)
async def set_username(
    session_id: SessionPath,
    login: Writer,
    services: Uses,
    body: Annotated[UsernameBody, Depends(json_body(UsernameBody))],
) -> Response:
    found = await services.people.set_username(login.principal, session_id, body.username.removeprefix("@"))
    return plain(person(found, partial(services.file_ids.token, session_id)))


def _photo() -> dict[str, Any]:
    errors = (*THROUGH, 408, 413, 415)
    declared = operation("account.setPhoto", scope="write", data=PhotoShape, errors=errors, body=PhotoBody)
    declared["openapi_extra"]["requestBody"]["content"] |= FORM
    return declared


@router.put(PHOTO, summary="Set the account's photo", **_photo())
async def set_photo(session_id: SessionPath, login: Writer, services: Uses, request: Request) -> Response:
    """As a form with a part `file`, or as JSON with the `fileId` of a photo."""
    given = await read_picture(request)
    people = services.people
    if isinstance(given, str):
        file = await people.set_photo_by_id(login.principal, session_id, given)
    else:
        file = await people.set_photo(login.principal, session_id, given)
    return plain({"photoFileId": services.file_ids.token(session_id, file)})


@router.delete(
    PHOTO,
    summary="Delete the account's photo",
    **operation("account.deletePhoto", scope="write", data=DoneShape, errors=THROUGH),
)
async def delete_photo(session_id: SessionPath, login: Writer, services: Uses) -> Response:
    """`done` false: there was none. An older one shows then, if there is any."""
    return plain({"done": await services.people.delete_photo(login.principal, session_id)})


@router.get(
    "/privacy/{key}",
    summary="What the account lets others see or do",
    **operation("account.privacy", scope="read", data=list[RuleShape], errors=THROUGH),
)
async def privacy(session_id: SessionPath, key: PrivacyKey, login: Reader, services: Uses) -> Response:
    return plain([told_rule(one) for one in await services.people.privacy(login.principal, session_id, key)])


@router.put(
    "/privacy/{key}",
    summary="Change what the account lets others see or do",
    **operation("account.setPrivacy", scope="write", data=list[RuleShape], errors=THROUGH, body=PrivacyBody),
)
async def set_privacy(
    session_id: SessionPath,
    key: PrivacyKey,
    login: Writer,
    services: Uses,
    body: Annotated[PrivacyBody, Depends(json_body(PrivacyBody))],
) -> Response:
    rules = [(one.rule, [parse_ref(ref, field="chatIds") for ref in one.chat_ids or ()]) for one in body.rules]
    found = await services.people.set_privacy(login.principal, session_id, key, rules)
    return plain([told_rule(one) for one in found])


@router.get(
    "/authorizations",
    summary="Where the account is logged in",
    **operation("account.authorizations", scope="read", data=list[AuthorizationShape], errors=THROUGH),
)
async def authorizations(session_id: SessionPath, login: Reader, services: Uses) -> Response:
    """At all programs and devices; this session is the first."""
    return plain([told_authorization(one) for one in await services.people.authorizations(login.principal, session_id)])


@router.delete(
    "/authorizations/{authorizationId}",
    summary="End one login of the account",
    **operation("account.endAuthorization", scope="write", data=DoneShape, errors=THROUGH),
)
async def end_authorization(
    session_id: SessionPath,
    login: Writer,
    services: Uses,
    which: Annotated[str, Path(alias="authorizationId", pattern="^-?[0-9]{1,19}$", description="An `id` as told.")],
) -> Response:
    """Not the session's own (409 `AUTHORIZATION_CURRENT`): log the session out instead.

    Telegram refuses it to a login of less than a day (403 `LOGIN_TOO_NEW`).
    """
    hash_ = int(which)
    if not -(2**63) <= hash_ < 2**63:
        refuse_fields([("authorizationId", "is a number of 64 bits")])
    await services.people.end_authorizations(login.principal, session_id, hash_)
    return plain({"done": True})


@router.delete(
    "/authorizations",
    summary="End all other logins of the account",
    **operation("account.endOtherAuthorizations", scope="write", data=DoneShape, errors=THROUGH),
)
async def end_others(session_id: SessionPath, login: Writer, services: Uses) -> Response:
    """All but this session's own: phones and desktops too."""
    await services.people.end_authorizations(login.principal, session_id, None)
    return plain({"done": True})
