"""How a route is declared: what it is called, who may, what goes in, and how it can fail.

Bodies are read by our own code, so the framework cannot see them; what it is told here is what the code does.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Access = Literal["anybody", "user"]
_REASON = {
    400: "The request contradicts itself, is not readable, or failed at Telegram",
    401: "Who is asking is not proven",
    403: "Known, but not allowed",
    404: "Unknown",
    408: "The body did not come in time",
    409: "The state of things forbids it",
    413: "The body is too large",
    412: "It is not what If-Match names",
    416: "There is nothing in this range, or there are too many of them",
    415: "The body is of another kind than this route takes",
    426: "This is for WebSocket clients",
    422: "A value is not possible",
    429: "Too many tries: Retry-After says when",
    502: "Telegram refused or failed",
    503: "Can't be served now: trying again is right",
    504: "Telegram did not answer in time: `uncertain` says whether it may have been done",
}


class ErrorDetail(BaseModel):
    """`code` is for programs and keeps its meaning, `message` is for people."""

    code: str
    message: str
    details: dict[str, Any] | None = None
    requestId: str  # noqa: N815 - the wire's name


class ErrorAnswer(BaseModel):
    """Every error of every route. `uncertain`: a message may have gone out; the job `jobId` will tell."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "success": False,
                    "error": {
                        "code": "UNAUTHORIZED",
                        "message": "Not authenticated",
                        "requestId": "4f1c0a9be2d37c55",
                    },
                    "detail": "Not authenticated",
                }
            ]
        }
    )

    success: Literal[False]
    error: ErrorDetail
    detail: str
    uncertain: bool | None = None
    jobId: str | None = Field(None)  # noqa: N815 - the wire's name


def refusal(status: int) -> dict[str, Any]:
    """How the document tells an answer with this status. The schema is named, not given: the framework would make a
    model of its own for each of two thousand of them.
    """
    schema = {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}
    return {"description": _REASON[status], "content": {"application/json": {"schema": schema}}}


def error_schemas() -> dict[str, Any]:
    """What `refusal` refers to, by name."""
    schema = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = {**schema.pop("$defs"), ErrorAnswer.__name__: schema}
    for one in schemas.values():
        for field in one["properties"].values():
            if field.get("default", ...) is None:  # left out is what it is then
                del field["default"]
    return schemas


def reason(status: int) -> str:
    """Why a route answers with this status, as the document tells it."""
    return _REASON[status]


def operation(
    name: str,
    *,
    errors: tuple[int, ...] = (),
    access: Access = "user",
    body: type[BaseModel] | None = None,
    form: dict[str, Any] | None = None,
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Arguments for a route's decorator. `name` is its operation id, ``noun.verb``."""
    failures = {*errors, 503, *((401, 400) if access == "user" else ())}
    if body is not None or form is not None:
        failures |= {400, 413, 415, 422}
    extra: dict[str, Any] = {"security": [{"OAuth2Password": []}, {"BearerAuth": []}] if access == "user" else []}
    if body is not None:
        schema = body.model_json_schema()
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif form is not None:
        content = {"application/x-www-form-urlencoded": {"schema": form}, "multipart/form-data": {"schema": form}}
        extra["requestBody"] = {"required": True, "content": content}
    if parameters:
        extra["parameters"] = parameters
    responses: dict[int | str, dict[str, Any]] = {status: refusal(status) for status in sorted(failures)}
    return {
        "operation_id": name,
        "responses": responses,
        "openapi_extra": extra,
        "response_model_exclude_none": True,
    }
