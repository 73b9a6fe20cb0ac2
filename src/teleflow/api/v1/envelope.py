"""The form of a success under `/api/v1`: ``{"success": true, "data": …}``, names in camelCase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from fastapi import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


class Shape(BaseModel):
    """Something that an answer tells. A field that is None is left out, unless the route says `nulls`."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True, defer_build=True)


class Body(BaseModel):
    """What a request says: types are meant exactly, what is not named is ignored."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, extra="ignore", frozen=True, defer_build=True)


class Envelope(BaseModel, Generic[T]):
    """For the document only, which is made when it is asked for: answers are made by `ok`."""

    model_config = ConfigDict(defer_build=True)

    success: Literal[True]
    data: T


class Page(Envelope[T], Generic[T]):
    """A list with what is needed to go on, for the document only: answers are made by `plain`."""

    next_cursor: str | None = Field(None, alias="nextCursor", description="Give it as `cursor` for the next page.")
    total: int | None = Field(None, description="How many there are in all, where Telegram counts them.")


class Sent(Envelope[T], Generic[T]):
    """A send, for the document only."""

    warning: Literal["LOGIN_CODE_IN_TEXT"] | None = Field(
        None, description="It seems to hold a Telegram login code, which is void once its account sends it on."
    )


class Told(Shape):
    """An act that has nothing to tell but that it is done."""

    message: str


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


# An id that clients write as a string or as a number.
TextOrNumber = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int)]


def ok(
    data: Shape | Sequence[Shape] | Mapping[str, Any] | Sequence[Mapping[str, Any]],
    status: int = 200,
    *,
    nulls: bool = False,
    headers: Mapping[str, str] | None = None,
    warning: str | None = None,
) -> Response:
    """The answer that tells `data`."""
    told = {"success": True, "data": data} if warning is None else {"success": True, "data": data, "warning": warning}
    body = to_json(told, by_alias=True, exclude_none=not nulls)
    return Response(body, status, dict(headers) if headers else None, media_type="application/json")


def plain(data: Any, status: int = 200, **beside: Any) -> Response:
    """The answer that tells `data`, which is plain already, names and all: for long lists.

    `beside` stands beside the data, where it is not None.
    """
    told = {"success": True, "data": data, **{name: value for name, value in beside.items() if value is not None}}
    return Response(_encode(told), status, media_type="application/json")
