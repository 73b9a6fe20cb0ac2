"""The virtual phones of the data centre in the box, for admins: `teleflow demo` has one, a real service has none."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import ConfigDict, Field

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain
from teleflow.api.v1.access import Administrator
from teleflow.api.v1.envelope import Body, Shape, Told, ok
from teleflow.api.v1.operation import operation
from teleflow.services.virtual_phones import MOST_LINES, VirtualPhone, there
from teleflow.wire.instants import iso

router = APIRouter(prefix="/api/v1/sandbox", tags=["sandbox"])
Phone = Annotated[str, Path(min_length=1, max_length=32, description="A phone of the box, with or without plus")]


class LastCodeShape(Shape):
    code: str
    type: str
    sent_at: str
    expires_at: str


class VirtualPhoneShape(Shape):
    """`scenario`: how the person answers by themselves. `code`: the last login code that came to this phone."""

    phone: str
    name: str
    username: str | None
    scenario: str | None
    cloud_password: str | None
    devices: int
    online: bool
    code: LastCodeShape | None

    @classmethod
    def of(cls, one: VirtualPhone) -> VirtualPhoneShape:
        code = one.code
        return cls(
            phone=one.phone,
            name=one.name,
            username=one.username,
            scenario=one.scenario,
            cloud_password=one.cloud_password,
            devices=one.devices,
            online=one.online,
            code=None
            if code is None
            else LastCodeShape(
                code=code.code,
                type=code.type,
                sent_at=iso(int(code.sent_at * 1000)),
                expires_at=iso(int(code.expires_at * 1000)),
            ),
        )


class SandboxShape(Shape):
    """`troubles`: how many rules of trouble are in force."""

    phones: list[VirtualPhoneShape]
    troubles: int


class LineShape(Shape):
    """`number` counts up over all phones; `from` and `to` are phones, or marked ids of groups and channels."""

    number: int
    at: str
    sender: str = Field(alias="from")
    to: str
    text: str


class WriteBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "+15550100001", "text": "Hello"}]})

    to: str = Field(min_length=1, max_length=64, description="A phone, @username, or the marked id of a chat")
    text: str = Field(min_length=1, max_length=4096)


class ScanBody(Body):
    """Without a link: the newest code that waits to be scanned."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"link": "tg://login?token=AAAA"}]})

    link: str | None = Field(None, max_length=512)


class ScannedShape(Shape):
    password_needed: bool


class TroubleBody(Body):
    """flood: senders must wait. cut: every connection, once. slow: answers a second late. outage: nobody gets in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"trouble": "flood", "seconds": 20}]})

    trouble: Literal["flood", "cut", "slow", "outage"]
    seconds: int = Field(15, ge=1, le=600)


@router.get(
    "",
    summary="The virtual phones, and the codes on them",
    **operation("sandbox.get", scope="admin", data=SandboxShape, errors=(404,), unsafe=False),
)
async def get(caller: Administrator, services: Uses) -> Response:  # noqa: ARG001 - it has a scope
    box = there(services.virtual_phones)
    return ok(
        SandboxShape(phones=[VirtualPhoneShape.of(one) for one in box.phones()], troubles=box.faults()), nulls=True
    )


@router.get(
    "/phones/{phone}/messages",
    summary="What a virtual phone sent and got, oldest first",
    **operation("sandbox.messages", scope="admin", data=list[LineShape], errors=(404, 422), unsafe=False),
)
async def messages(
    caller: Administrator,  # noqa: ARG001
    phone: Phone,
    services: Uses,
    after: Annotated[int, plain, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, plain, Query(ge=1, le=MOST_LINES)] = 100,
) -> Response:
    """Go on with the last `number` as `after`."""
    lines = there(services.virtual_phones).lines(phone, after=after, limit=limit)
    told = [
        {
            "number": line.number,
            "at": iso(int(line.at * 1000)),
            "from": line.sender,
            "to": line.to,
            "text": line.text,
        }
        for line in lines
    ]
    return ok(told)


@router.post(
    "/phones/{phone}/messages",
    summary="Write as the person of a virtual phone",
    **operation("sandbox.write", scope="admin", data=Told, status=201, body=WriteBody, errors=(404,)),
)
async def write(
    caller: Administrator,  # noqa: ARG001
    phone: Phone,
    body: Annotated[WriteBody, Depends(json_body(WriteBody))],
    services: Uses,
) -> Response:
    await there(services.virtual_phones).write(phone, body.to, body.text)
    return ok(Told(message="Written"), 201)


@router.post(
    "/phones/{phone}/scan",
    summary="Scan a QR code with a virtual phone",
    **operation("sandbox.scan", scope="admin", data=ScannedShape, body=ScanBody, errors=(404,)),
)
async def scan(
    caller: Administrator,  # noqa: ARG001
    phone: Phone,
    body: Annotated[ScanBody, Depends(json_body(ScanBody))],
    services: Uses,
) -> Response:
    needed = await there(services.virtual_phones).scan(phone, body.link)
    return ok(ScannedShape(password_needed=needed))


@router.post(
    "/troubles",
    summary="Make trouble in the data centre in the box",
    **operation("sandbox.trouble", scope="admin", data=Told, status=201, body=TroubleBody, errors=(404,)),
)
async def trouble(
    caller: Administrator,  # noqa: ARG001
    body: Annotated[TroubleBody, Depends(json_body(TroubleBody))],
    services: Uses,
) -> Response:
    await there(services.virtual_phones).trouble(body.trouble, body.seconds)
    return ok(Told(message="Begun"), 201)


@router.delete(
    "/troubles",
    summary="End all trouble",
    **operation("sandbox.endTroubles", scope="admin", data=Told, errors=(404,)),
)
async def end_troubles(caller: Administrator, services: Uses) -> Response:  # noqa: ARG001
    await there(services.virtual_phones).end_troubles()
    return ok(Told(message="Ended"))
