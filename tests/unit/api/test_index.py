"""The index finds what asking every route in turn would find."""

from __future__ import annotations

import re

import pytest
from starlette.routing import Match, Route

from teleflow.api.index import Place, RouteIndex
from teleflow.api.main import ROUTERS

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, Route)]
FILLINGS = ("x", "-1001234567890", "a.b", "@name", "join", "https://t.me/name/5", "a/stories", "", "members")


def _paths() -> set[str]:
    paths = {re.sub(r"\{[^}]+\}", filling, route.path) for route in ROUTES for filling in FILLINGS}
    return paths | {path + "/" for path in paths} | {path + "/more" for path in paths} | {"", "/", "//", "x", "/api/v1"}


def _asked_in_turn(path: str, method: str) -> Route | None:
    scope = {"type": "http", "path": path, "root_path": "", "method": method}
    return next((route for route in ROUTES if route.matches(scope)[0] is Match.FULL), None)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_the_first_of_its_routes_is_the_first_of_all(method: str) -> None:
    index = RouteIndex(ROUTES)
    scope = {"type": "http", "root_path": "", "method": method}
    found = 0
    for path in _paths():
        first = next((r for r in index.at(path) if r.matches({**scope, "path": path})[0] is Match.FULL), None)
        assert first is _asked_in_turn(path, method), path
        found += first is not None
    assert found > 20


def test_few_are_asked() -> None:
    index = RouteIndex(ROUTES)
    assert max(len(index.at(path)) for path in _paths()) < 12
    assert len(index.at("/api/v1/sessions/x/invoke")) == 1


def test_methods_are_those_of_the_path() -> None:
    index = RouteIndex(ROUTES)
    assert index.find("/api/v1/sessions/x/invoke") == Place("/api/v1/sessions/{session_id}/invoke", {"POST"})
    assert index.find("/api/v1/chats/join") == Place("/api/v1/chats/join", {"POST"})  # no chat is called join
    one = index.find("/api/v1/chats/https://t.me/name")
    assert one is not None
    assert one.path == "/api/v1/chats/{id:path}"
    assert "GET" in one.methods
    assert index.find("/api/v1/nothing") is None
    assert index.find("/send") == Place("/send", {"POST"})
