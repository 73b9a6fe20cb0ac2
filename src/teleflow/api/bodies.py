"""Request bodies: read within bounds, decoded strictly, checked against a model.

JSON here is UTF-8 without a mark, each name once in an object, numbers that are numbers, depth that is sane:
anything else is refused as unreadable (400) before a field is looked at.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.types import Receive

from teleflow.api import facts as facts_module
from teleflow.api.facts import Facts
from teleflow.errors import Invalid, Malformed

_NO_OBJECT = "Input should be a valid dictionary or instance of "
BODY_DEADLINE = 15.0  # seconds in which a body must have come
MOST_FORM_FIELDS = 16
_decode = msgspec.json.Decoder().decode
M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """A request body: types are meant exactly, what is not named is ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, defer_build=True)


def json_body(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency that gives the request's body as `model`."""

    async def read(request: Request) -> M:
        raw = await read_json(facts_module.of(request.scope), request.receive)
        return validated(model, decode_json(raw))

    return read


async def read_json(facts: Facts, receive: Receive) -> bytes:
    """The bytes of a body that says that it is JSON. Raises Invalid when it says anything else."""
    media, charset = facts.media_type()
    if media != b"application/json" or charset not in {b"", b"utf-8", b"utf8"}:
        raise Invalid("The content type must be application/json", code="UNSUPPORTED_MEDIA_TYPE")
    return await read_body(receive)


async def refuse_unreadable(facts: Facts, receive: Receive) -> None:
    """Raises Malformed for a body that says that it is JSON and is not: told before who is asking matters."""
    if facts.media_type()[0] == b"application/json":
        raw = await read_body(receive)
        if raw:
            decode_json(raw)


async def read_body(receive: Receive) -> bytes:
    message = await receive()
    _still_there(message)
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    chunks = [message.get("body", b"")]
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            while message.get("more_body"):
                message = await receive()
                _still_there(message)
                chunks.append(message.get("body", b""))
    except TimeoutError:
        raise Invalid("The body did not come in time", code="REQUEST_TIMEOUT") from None
    return b"".join(chunks)


def decode_json(raw: bytes) -> Any:
    """Raises Malformed."""
    try:
        value = _decode(raw)
        if b"{" in raw:
            refuse_doubles(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed("The body is not readable JSON") from error
    return value


def refuse_doubles(raw: bytes) -> None:
    """Raises Malformed when an object has a name twice: readers would not agree on what was meant."""
    _each_name_once(raw.decode())


def validated(model: type[M], value: Any) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        refuse_fields([(".".join(str(part) for part in item["loc"]), item["msg"]) for item in error.errors()])


def refuse_fields(problems: list[tuple[str, str]]) -> NoReturn:
    """Raises Invalid that names each field, never its value."""
    shown = [{"field": name or "body", "message": _plainly(message)} for name, message in problems[:20]]
    text = "; ".join(f"{problem['field']}: {problem['message']}" for problem in shown[:3])
    raise Invalid(text, details={"fields": shown})


def _plainly(message: str) -> str:
    """Without words that are the validator's and not the caller's: the names of our classes, for one."""
    if message.startswith(_NO_OBJECT):
        return "must be an object"
    return message.removeprefix("Value error, ")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, URL-encoded or multipart; each once. Raises Invalid, Malformed."""
    media, _ = facts_module.of(request.scope).media_type()
    if media == b"application/x-www-form-urlencoded":
        pairs = _urlencoded(await read_body(request.receive))
    elif media == b"multipart/form-data":
        async with asyncio.timeout(BODY_DEADLINE):
            form = await request.form(max_files=0, max_fields=MOST_FORM_FIELDS, max_part_size=8192)
        pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    else:
        raise Invalid("The content type must be application/x-www-form-urlencoded", code="UNSUPPORTED_MEDIA_TYPE")
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            refuse_fields([(name[:50], "given twice")])
        fields[name] = value
    return fields


def _urlencoded(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode(), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FORM_FIELDS
        )
    except UnicodeDecodeError as error:
        raise Invalid("The form is not valid UTF-8") from error
    except ValueError as error:
        raise Malformed("The form has too many fields") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Malformed("An object in the body has a name twice")
    return value


def _still_there(message: Any) -> None:
    if message["type"] == "http.disconnect":
        raise Malformed("The caller went away")


_each_name_once = json.JSONDecoder(object_pairs_hook=_unique).decode
