"""Logins that come from other programs and go to them, over `/api/v1`."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from teleflow.api import facts as facts_module
from teleflow.api.access import Uses
from teleflow.api.bodies import (
    BODY_DEADLINE,
    MOST_FORM_FIELDS,
    decode_json,
    json_body,
    read_json,
    refuse_fields,
    validated,
)
from teleflow.api.v1.access import Writer
from teleflow.api.v1.envelope import ok
from teleflow.api.v1.operation import operation
from teleflow.api.v1.session_shapes import (
    ExportBody,
    ExportedShape,
    ImportBody,
    ImportedShape,
    NewQrBody,
    new_session,
)
from teleflow.errors import Invalid, Malformed
from teleflow.model.session_strings import SessionFormat

router = APIRouter(prefix="/api/v1/sessions", tags=["sessions"])
_NUMBER = re.compile(r"[0-9]{1,10}")
_FILE_FORM = {
    "type": "object",
    "required": ["name", "file"],
    "properties": {
        "name": {"type": "string"},
        "file": {"type": "string", "format": "binary", "description": "A Telethon .session file"},
        "apiId": {"type": "string"},
        "apiHash": {"type": "string"},
        "proxy": {"type": "string", "description": "A proxy's URL"},
    },
}


def _import_operation() -> dict[str, Any]:
    declared = operation(
        "sessions.import", scope="write", data=ImportedShape, status=201, errors=(403, 409, 429, 502), body=ImportBody
    )
    declared["openapi_extra"]["requestBody"]["content"]["multipart/form-data"] = {"schema": _FILE_FORM}
    return declared


@router.post("/import", summary="Take a login over from Telethon, GramJS or Pyrogram", **_import_operation())
async def import_session(request: Request, login: Writer, services: Uses) -> Response:
    """A session string, or a Telethon `.session` file as a form. It is tried before it is taken.

    Stop the other program first: two clients on one key, and Telegram ends the login for both.
    """
    known = facts_module.of(request.scope)
    given: str | bytes
    if known.media_type()[0] == b"multipart/form-data":
        fields, given = await _form(request)
        new = new_session(validated(NewQrBody, fields))
    else:
        body = validated(ImportBody, decode_json(await read_json(known, request.receive)))
        new, given = new_session(body), body.session_string
    session = await services.sessions.import_(login.principal, login.user, new, given)
    shape = ImportedShape(
        session_id=session.id,
        account_id=str(session.account_id),
        account_name=session.account_name or "",
        phone_number=session.phone,
    )
    return ok(shape, 201)


@router.post(
    "/{session_id}/export",
    summary="Hand a login out, for another program",
    **operation("sessions.export", scope="write", data=ExportedShape, errors=(403, 404, 409), body=ExportBody),
)
async def export_session(
    session_id: str, login: Writer, services: Uses, body: Annotated[ExportBody, Depends(json_body(ExportBody))]
) -> Response:
    """Needs your password again; never with an API key; once a minute. Disconnect here before you use it there."""
    form = SessionFormat(body.format)
    exported = await services.exports.export(login.principal, login.user, session_id, body.password, form)
    if isinstance(exported, bytes):
        text = base64.b64encode(exported).decode()
        shape = ExportedShape(format=form.value, session_file=text, file_name=f"{session_id}.session")
    else:
        shape = ExportedShape(format=form.value, session_string=exported)
    return ok(shape, headers={"Cache-Control": "no-store"})


async def _form(request: Request) -> tuple[dict[str, Any], bytes]:
    """The fields, and the one file. Raises Invalid, Malformed."""
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            form = await request.form(max_files=1, max_fields=MOST_FORM_FIELDS, max_part_size=8192)
    except TimeoutError:
        raise Invalid("The body did not come in time", code="REQUEST_TIMEOUT") from None
    except HTTPException as error:
        raise Malformed("The form is not readable, or has too many parts") from error
    fields: dict[str, Any] = {}
    content: bytes | None = None
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name == "file":
                content = await value.read()
        elif name in fields:
            refuse_fields([(name[:50], "given twice")])
        else:
            fields[name] = int(value) if name == "apiId" and _NUMBER.fullmatch(value) else value
    if content is None:
        refuse_fields([("file", "a Telethon .session file is needed")])
    return fields, content
