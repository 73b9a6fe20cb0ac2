"""Any method of Telegram's layer by its name, and the layer's schema."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field
from starlette.types import Receive, Scope

from teleflow.api import facts as facts_module
from teleflow.api.access import Uses
from teleflow.api.bodies import decode_json, json_body, read_json, validated
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader, check
from teleflow.api.v1.envelope import Body, Shape, plain
from teleflow.api.v1.gate import Thin
from teleflow.api.v1.operation import operation
from teleflow.model.users import Scope as Access
from teleflow.services.everything import Services
from teleflow.services.logins import LiveLogin

router = APIRouter(prefix="/api/v1", tags=["methods"])
_THROUGH = (400, 403, 404, 409, 422, 429, 502, 504)
_Query = Annotated[str, Query(alias="q", max_length=64, description="Part of a name.")]
_Cursor = Annotated[str, Query(max_length=128, description="The last page's `nextCursor`.")]
_Limit = Annotated[int, digits, Query(ge=1, le=200)]


class InvokeBody(Body):
    method: str = Field(min_length=1, max_length=128, description="As in the schema: `messages.getHistory`")
    params: dict[str, Any] = Field(default_factory=dict, description="Its parameters, under the schema's names")


class InvokedShape(Shape):
    method: str
    layer: int
    result: Any = Field(description="The answer: an object with its constructor's name in `_`, a list, a number …")


class ParamShape(Shape):
    name: str
    type: str
    vector: bool = False
    required: bool = False


class MethodShape(Shape):
    name: str
    class_: str = Field(alias="class", description="read, write, dangerous or refused")
    why: str | None = Field(None, description="Why it is dangerous, or refused")
    returns: str
    params: list[ParamShape]


class MethodSchemaShape(MethodShape):
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema (2020-12) of the parameters")


class TypeShape(Shape):
    name: str
    constructors: list[str]


class TypeSchemaShape(TypeShape):
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema (2020-12) of its constructors")


@router.post(
    "/sessions/{session_id}/invoke",
    summary="Call any method of Telegram's layer",
    **operation("sessions.invoke", scope="read", data=InvokedShape, errors=_THROUGH, body=InvokeBody, unsafe=True),
)
async def invoke(
    session_id: str, login: Reader, services: Uses, body: Annotated[InvokeBody, Depends(json_body(InvokeBody))]
) -> Response:
    """Methods that write need the scope `write`, dangerous ones `admin`. Where a peer is wanted, a peer ref will do."""
    return await _invoke(services, login, session_id, body)


def hot_invoke(services: Services) -> Thin:
    """The same past the framework, whose way costs as much as the rest; but for an Idempotency-Key."""

    async def thin(scope: Scope, receive: Receive, login: LiveLogin) -> Response | None:
        facts = facts_module.of(scope)
        if b"idempotency-key" in facts.headers:
            return None
        check(login, Access.READ)
        body = validated(InvokeBody, decode_json(await read_json(facts, receive)))
        return await _invoke(services, login, scope["path"].split("/")[4], body)

    return thin


async def _invoke(services: Services, login: LiveLogin, session_id: str, body: InvokeBody) -> Response:
    result = await services.methods.invoke(login.principal, session_id, body.method, body.params)
    return plain({"method": body.method, "layer": services.methods.layer, "result": result})


@router.get(
    "/tl/methods",
    summary="The methods of Telegram's layer",
    **operation("tl.methods", scope="read", data=list[MethodShape], errors=(422,), paged=True),
)
async def methods(_: Reader, services: Uses, q: _Query = "", cursor: _Cursor = "", limit: _Limit = 100) -> Response:
    found, following = services.methods.methods(query=q, after=cursor, limit=limit)
    return plain(found, nextCursor=following)


@router.get(
    "/tl/methods/{name}",
    summary="A method and the JSON Schema of its parameters",
    **operation("tl.method", scope="read", data=MethodSchemaShape, errors=(404, 422)),
)
async def method(name: str, _: Reader, services: Uses) -> Response:
    return plain(services.methods.method(name))


@router.get(
    "/tl/types",
    summary="The types of Telegram's layer",
    **operation("tl.types", scope="read", data=list[TypeShape], errors=(422,), paged=True),
)
async def types(_: Reader, services: Uses, q: _Query = "", cursor: _Cursor = "", limit: _Limit = 100) -> Response:
    found, following = services.methods.types(query=q, after=cursor, limit=limit)
    return plain(found, nextCursor=following)


@router.get(
    "/tl/types/{name}",
    summary="A type and the JSON Schema of its constructors",
    **operation("tl.type", scope="read", data=TypeSchemaShape, errors=(404, 422)),
)
async def type_(name: str, _: Reader, services: Uses) -> Response:
    return plain(services.methods.type(name))
