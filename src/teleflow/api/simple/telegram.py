"""The caller's own Telegram account: log it in, ask how it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends

from teleflow.api.access import Caller, Uses
from teleflow.api.bodies import json_body
from teleflow.api.operation import operation
from teleflow.api.simple.failures import at_telegram
from teleflow.api.simple.models import InitAnswer, StatusAnswer, VerifyAnswer, VerifyBody
from teleflow.errors import TeleFlowError

router = APIRouter(prefix="/telegram", tags=["telegram"])


@asynccontextmanager
async def _telling() -> AsyncIterator[None]:
    try:
        yield
    except TeleFlowError as error:
        raise at_telegram(error) from error


@router.post("/init", summary="Send a login code to my phone", **operation("telegram.init", errors=(429,)))
async def init(login: Caller, services: Uses) -> InitAnswer:
    """The code arrives in the account's Telegram app, or as Telegram decides. Then call /telegram/verify."""
    async with _telling():
        sent = await services.telegram.init(login.user)
    if sent.already:
        return InitAnswer(message="Already authorised", phone=sent.phone)
    return InitAnswer(message="A login code was sent by Telegram")


@router.post(
    "/verify",
    summary="Finish the login with the code",
    **operation("telegram.verify", body=VerifyBody, errors=(429,)),
)
async def verify(
    login: Caller, body: Annotated[VerifyBody, Depends(json_body(VerifyBody))], services: Uses
) -> VerifyAnswer:
    """With a cloud password: call it again with the code and the password."""
    async with _telling():
        done = await services.telegram.verify(login.user, body.code, body.password)
    return VerifyAnswer(message="The account is connected", name=done.name, phone=done.phone)


@router.get("/status", summary="How is my account?", **operation("telegram.status"))
async def status(login: Caller, services: Uses) -> StatusAnswer:
    told = await services.telegram.status(login.user)
    return StatusAnswer(connected=told.connected, phone=told.phone, name=told.name, detail=told.detail)
