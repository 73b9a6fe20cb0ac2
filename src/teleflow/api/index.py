"""All routes by the segments of their paths: which of them a path can be is found without asking each in turn.

The framework asks its routes one after the other, twice where they come from a router, which with two hundred of them
costs more than most answers do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_PARAMETER = re.compile(r"\{\w+(:path)?\}")


class RouteIndex:
    """The routes in their order. `find(path)` and `at(path)` are by the path alone."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._root = _Node()
        self._named: dict[str, Place] = {}
        for number, route in enumerate(routes):
            if not route.param_convertors:
                self._named.setdefault(route.path, Place(route.path, set())).methods.update(route.methods or ())
            node = self._root
            for segment in route.path.split("/"):
                parameter = _PARAMETER.search(segment)
                if parameter is not None and parameter.group(1):  # takes slashes too, so that what follows may be far
                    node.open.append((number, route))
                    break
                node = node.next.setdefault("{}" if parameter is not None else segment, _Node())
            else:
                node.here.append((number, route))

    def at(self, path: str) -> list[Route]:
        """Those that the path may be, in their order; whether it is one of them, its pattern says."""
        found: list[tuple[int, Route]] = []
        nodes = [self._root]
        for segment in path.split("/"):
            found.extend(pair for node in nodes for pair in node.open)
            nodes = [child for node in nodes for child in (node.next.get(segment), node.next.get("{}")) if child]
            if not nodes:
                break
        found.extend(pair for node in nodes for pair in node.here)
        found.sort(key=lambda pair: pair[0])
        return [route for _, route in found]

    def find(self, path: str) -> Place | None:
        """What stands at a path; None where nothing does. `/chats/join` is no chat called join."""
        named = self._named.get(path)
        if named is not None:
            return named
        routes = [route for route in self.at(path) if route.param_convertors and route.path_regex.fullmatch(path)]
        if not routes:
            return None
        return Place(routes[0].path, {method for route in routes for method in route.methods or ()})


@dataclass(frozen=True, slots=True)
class Place:
    """`path` as the first of its routes declares it, and the methods of all of them."""

    path: str
    methods: set[str]


class _Node:
    __slots__ = ("here", "next", "open")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.here: list[tuple[int, Route]] = []  # the routes whose paths end here
        self.open: list[tuple[int, Route]] = []  # those that go on with a parameter that takes any number of segments


class Dispatch:
    """An ASGI application in the place of the framework's router: a request goes to its route. What is none, the
    router answers.
    """

    def __init__(self, index: RouteIndex, router: ASGIApp) -> None:
        self._index = index
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._index.at(scope["path"]):
                match, more = route.matches(scope)
                if match is Match.FULL:
                    scope.update(more)
                    await route.handle(scope, receive, send)
                    return
        await self._router(scope, receive, send)
