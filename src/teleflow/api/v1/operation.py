"""How a route of `/api/v1` is declared: its name, the scope that it needs, what it takes and what it tells."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import Depends
from pydantic import BaseModel

from teleflow.api.operation import refusal
from teleflow.api.v1.access import needs
from teleflow.api.v1.envelope import Envelope, Page
from teleflow.model.users import Scope

_SECURITY: list[dict[str, list[str]]] = [{"BearerAuth": []}, {"OAuth2Password": []}, {"ApiKeyAuth": []}]
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeat with the same key is not carried out again: it gets the first one's answer, for 72 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def operation(
    name: str,
    *,
    scope: str | None,
    data: Any,
    status: int = 200,
    errors: tuple[int, ...] = (),
    body: type[BaseModel] | None = None,
    parameters: list[dict[str, Any]] | None = None,
    unsafe: bool | None = None,
    paged: bool = False,
) -> dict[str, Any]:
    """Arguments for a route's decorator. `name` is its operation id, ``noun.verb``.

    `scope` is "read", "write" or "admin", and is enforced by what is returned here; None is for what anybody may.
    `data` is the type in the envelope. `errors` are the statuses that this route alone can have. `unsafe` routes take
    an Idempotency-Key; left out, those are all that need more than "read". `paged`: the answer also tells how to go on.
    """
    failures = {*errors, 429, 503}
    if scope is not None:
        failures |= {400, 401}
        if scope != Scope.READ:
            failures.add(403)
    if body is not None:
        failures |= {400, 413, 415, 422}
    given = list(parameters or ())
    if unsafe if unsafe is not None else scope not in {None, Scope.READ}:
        failures |= {409, 422}
        given.append(IDEMPOTENCY_KEY)
    extra: dict[str, Any] = {"security": _SECURITY if scope is not None else []}
    if scope is not None:
        extra["x-scope"] = scope
    if body is not None:  # `openapi.document` asks for the schema: a start does without
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": partial(schema_of, body)}}}
    if given:
        extra["parameters"] = given
    return {
        "operation_id": name,
        "status_code": status,
        "response_model": Page[data] if paged else Envelope[data],
        "responses": {code: refusal(code) for code in sorted(failures)},
        "openapi_extra": extra,
        "dependencies": [] if scope is None else [Depends(needs(Scope(scope)))],
    }


def schema_of(body: type[BaseModel]) -> dict[str, Any]:
    """The body's schema, with what it refers to beside it: `openapi.document` puts that among the components."""
    return body.model_json_schema(ref_template="#/components/schemas/{model}")
