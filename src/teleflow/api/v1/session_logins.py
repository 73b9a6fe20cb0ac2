"""Logging a session in over `/api/v1`: by code, by QR code, and the cloud password of both."""

from __future__ import annotations

import io
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import Told, ok
from teleflow.api.v1.operation import operation
from teleflow.api.v1.session_shapes import (
    CodeShape,
    NewQrBody,
    NewSessionBody,
    QrShape,
    StepShape,
    VerifyCodeBody,
    VerifyPasswordBody,
    new_session,
)
from teleflow.errors import Conflict
from teleflow.model.logins import QrLogin

router = APIRouter(prefix="/api/v1/sessions", tags=["sessions"])
_SCALE = 8


def _picture(name: str, media: str) -> dict[str, Any]:
    declared = operation(name, scope="read", data=Told, errors=(404, 409))
    del declared["response_model"]
    schema = {"type": "string"} if media.endswith("xml") else {"type": "string", "format": "binary"}
    declared["responses"][200] = {"description": "The code", "content": {media: {"schema": schema}}}
    return {**declared, "response_class": Response}


@router.post(
    "",
    summary="Begin a login: a code is sent",
    **operation(
        "sessions.create", scope="write", data=CodeShape, status=201, errors=(403, 409, 429, 502), body=NewSessionBody
    ),
)
async def create(
    login: Writer, services: Uses, body: Annotated[NewSessionBody, Depends(json_body(NewSessionBody))]
) -> Response:
    """The code arrives in the account's Telegram app, or as `codeType` says. Never send it on through Telegram."""
    new = new_session(body, phone=body.phone_number)
    session, sent = await services.sessions.create(login.principal, login.user, new)
    return ok(CodeShape.of(session.id, sent), 201)


@router.post(
    "/verify-code",
    summary="Finish a login with its code",
    **operation(
        "sessions.verifyCode", scope="write", data=StepShape, errors=(403, 404, 409, 429, 502), body=VerifyCodeBody
    ),
)
async def verify_code(
    login: Writer, services: Uses, body: Annotated[VerifyCodeBody, Depends(json_body(VerifyCodeBody))]
) -> Response:
    """Five tries. An account with a cloud password goes on with `verify-password`."""
    done = await services.sessions.verify_code(login.principal, body.session_id, body.phone_code, body.phone_code_hash)
    return ok(StepShape(session_id=body.session_id, step="LOGGED_IN" if done else "PASSWORD_REQUIRED"))


@router.post(
    "/verify-password",
    summary="Finish a login with the account's cloud password",
    **operation(
        "sessions.verifyPassword",
        scope="write",
        data=StepShape,
        errors=(403, 404, 409, 429, 502),
        body=VerifyPasswordBody,
    ),
)
async def verify_password(
    login: Writer, services: Uses, body: Annotated[VerifyPasswordBody, Depends(json_body(VerifyPasswordBody))]
) -> Response:
    await services.sessions.verify_password(login.principal, body.session_id, body.password)
    return ok(StepShape(session_id=body.session_id, step="LOGGED_IN"))


@router.post(
    "/qr",
    summary="Begin a login by QR code",
    **operation(
        "sessions.createQr", scope="write", data=QrShape, status=201, errors=(403, 409, 429, 502), body=NewQrBody
    ),
)
async def create_qr(
    login: Writer, services: Uses, body: Annotated[NewQrBody, Depends(json_body(NewQrBody))]
) -> Response:
    """Scan it with a phone that is logged in (Settings, Devices), and ask `GET …/qr` how it stands."""
    session, shown = await services.sessions.create_qr(login.principal, login.user, new_session(body))
    return ok(QrShape.of(session.id, shown), 201)


@router.get(
    "/{session_id}/qr",
    summary="How does the login by QR code stand?",
    **operation("sessions.qr", scope="read", data=QrShape, errors=(404, 409)),
)
async def get_qr(session_id: str, login: Reader, services: Uses) -> Response:
    shown = await services.sessions.qr(login.principal, session_id)
    return ok(QrShape.of(session_id, shown), headers={"Cache-Control": "no-store"})


@router.get("/{session_id}/qr.svg", summary="The QR code as SVG", **_picture("sessions.qrSvg", "image/svg+xml"))
async def qr_svg(session_id: str, login: Reader, services: Uses) -> Response:
    return _drawn(await services.sessions.qr(login.principal, session_id), "svg", "image/svg+xml")


@router.get("/{session_id}/qr.png", summary="The QR code as PNG", **_picture("sessions.qrPng", "image/png"))
async def qr_png(session_id: str, login: Reader, services: Uses) -> Response:
    return _drawn(await services.sessions.qr(login.principal, session_id), "png", "image/png")


@router.post(
    "/{session_id}/resend-code",
    summary="Have the code sent again, by the next way",
    **operation("sessions.resendCode", scope="write", data=CodeShape, errors=(403, 404, 409, 429, 502)),
)
async def resend_code(session_id: str, login: Writer, services: Uses) -> Response:
    sent = await services.sessions.resend(login.principal, session_id)
    return ok(CodeShape.of(session_id, sent))


@router.post(
    "/{session_id}/cancel",
    summary="Give a login up",
    **operation("sessions.cancel", scope="write", data=Told, errors=(404, 409)),
)
async def cancel(session_id: str, login: Writer, services: Uses) -> Response:
    await services.sessions.cancel(login.principal, session_id)
    return ok(Told(message="The login was given up"))


def _drawn(shown: QrLogin, kind: str, media: str) -> Response:
    if shown.url is None:
        raise Conflict(f"There is no code to scan now: {shown.step.value}", code="QR_NOT_SHOWN")
    drawn = io.BytesIO()
    segno.make(shown.url, error="m", micro=False).save(drawn, kind=kind, scale=_SCALE, border=4)
    return Response(drawn.getvalue(), media_type=media, headers={"Cache-Control": "no-store"})
