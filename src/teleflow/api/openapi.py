"""The OpenAPI 3.1 document, as the routes declare it."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from teleflow import __version__
from teleflow.api import examples
from teleflow.api.bodies import Body as PlainBody
from teleflow.api.operation import error_schemas
from teleflow.api.v1.envelope import Body, Envelope, Shape

_DESCRIPTION = """\
Drive Telegram user accounts over plain HTTP.

Log in with *Authorize* (OAuth2 password flow), or send `Authorization: Bearer <access token>`. Routes under
`/api/v1` take an API key in `X-API-Key` too. A browser that signed in (`POST /api/v1/auth/sign-in`) sends a cookie, and
`X-CSRF-Token` with whatever changes something.
Every error has the same body: `error.code` is for programs, `detail` is for people.

Automation can get a Telegram account limited or banned: send to people who expect it.
"""
SECURITY_SCHEMES = {
    "OAuth2Password": {
        "type": "oauth2",
        "description": "Username and password of a user of this service.",
        "flows": {"password": {"tokenUrl": "/auth/login", "refreshUrl": "/auth/refresh", "scopes": {}}},
    },
    "BearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of `POST /auth/login`.",
    },
    "ApiKeyAuth": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key, for the routes under `/api/v1`.",
    },
}
TAGS = [
    {"name": "auth", "description": "Logging in to this service."},
    {"name": "keys", "description": "What programs prove themselves with."},
    {"name": "audit", "description": "What was done that matters for security. For admins."},
    {"name": "users", "description": "Those who may log in. For admins."},
    {"name": "telegram", "description": "The caller's own Telegram account."},
    {"name": "messages", "description": "Sending, and the log of it."},
    {"name": "service", "description": "The service itself."},
    {"name": "sandbox", "description": "The virtual phones of the data centre in the box: in the demo only."},
]


def rendered(api: FastAPI) -> bytes:
    """The document as JSON. Made once, at the first call, which takes its time."""
    made: bytes | None = getattr(api.state, "openapi_json", None)
    if made is None:
        made = api.state.openapi_json = msgspec.json.encode(document(api))
    return made


def document(api: FastAPI) -> dict[str, Any]:
    """Made once, at the first call."""
    if api.openapi_schema is None:
        for base in (PlainBody, Body, Shape, Envelope):
            _build_models(base)
        _tell_bodies(api)
        made = get_openapi(
            title="TeleFlow",
            version=__version__,
            openapi_version="3.1.0",
            description=_DESCRIPTION,
            routes=api.routes,
            tags=TAGS,
        )
        components = made.setdefault("components", {})
        components["securitySchemes"] = SECURITY_SCHEMES
        components["schemas"] = dict(sorted({**components.get("schemas", {}), **error_schemas()}.items()))
        _drop_foreign_errors(made)
        _gather_definitions(made)
        _name_bounds(made)
        _add_examples(made)
        api.openapi_schema = made
    return api.openapi_schema


def _build_models(base: type[BaseModel]) -> None:
    """A start does without the models' schemas (`defer_build`). Here each is needed, and most by others."""
    for model in base.__subclasses__():
        if not model.__pydantic_complete__ and not model.__pydantic_generic_metadata__["parameters"]:
            model.model_rebuild()
        _build_models(model)


def _tell_bodies(api: FastAPI) -> None:
    """Schemas of bodies are made when they are asked for; what one refers to lies beside it (`_gather_definitions`)."""
    for route in api.routes:
        extra = getattr(route, "openapi_extra", None) or {}
        for content in extra.get("requestBody", {}).get("content", {}).values():
            if callable(content["schema"]):
                content["schema"] = content["schema"]()


def _drop_foreign_errors(made: dict[str, Any]) -> None:
    """The framework declares errors of a form of its own, which we never send."""
    for item in made["paths"].values():
        for declared in item.values():
            responses = declared.get("responses", {})
            for status in [status for status, one in responses.items() if "HTTPValidationError" in str(one)]:
                del responses[status]
    for name in ("HTTPValidationError", "ValidationError"):
        made["components"].get("schemas", {}).pop(name, None)


def _gather_definitions(made: dict[str, Any]) -> None:
    """Bodies bring the schemas that they refer to; their place is among the components."""
    schemas = made["components"].setdefault("schemas", {})
    for item in made["paths"].values():
        for declared in item.values():
            for content in declared.get("requestBody", {}).get("content", {}).values():
                for name, schema in content["schema"].pop("$defs", {}).items():
                    if schemas.setdefault(name, schema) != schema:
                        raise ValueError(f"Two different schemas are called {name}")


def _name_bounds(part: Any) -> None:
    """Bounds of numbers that are read by a validator of ours come under Python's names: here they get the schema's."""
    if isinstance(part, list):
        for each in part:
            _name_bounds(each)
    elif isinstance(part, dict):
        for given, named in (("ge", "minimum"), ("le", "maximum")):
            if part.get("type") == "integer" and given in part:
                part[named] = part.pop(given)
        for each in part.values():
            _name_bounds(each)


def _add_examples(made: dict[str, Any]) -> None:
    for item in made["paths"].values():
        for declared in item.values():
            examples.add(declared["operationId"], declared)
