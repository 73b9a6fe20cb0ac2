"""The OpenAPI document as the routes declare it: it takes its time, and several tests read it."""

from __future__ import annotations

from functools import cache
from typing import Any

from teleflow.api import openapi
from teleflow.api.main import build_api


@cache
def document() -> dict[str, Any]:
    """Made at the first call. Not to be changed."""
    return openapi.document(build_api())
