"""The routes of the control API and its one way of saying no.

Success is the bare JSON value; a refusal is `{"error": {"code", "message"}}`. Phones may come with or without `+`.
It knows the data centre and the world's control, and nothing of how they work.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from teleflow.sandbox.control.local import LocalOnly
from teleflow.sandbox.faults import FaultError, digits
from teleflow.sandbox.moved_clock import MovedClock
from teleflow.sandbox.server import DataCentre
from teleflow.sandbox.world import file_control
from teleflow.sandbox.world.control import ControlError, WorldControl
from teleflow.sandbox.world.world import World

MAX_BODY = 1024 * 1024
PAGE = 1000
LATEST = 2**31 - 1 - 2**20
"""Telegram's dates have 31 bits; a little room is left for what expires later."""
MAX_PAGE = 100_000


class Sandbox(Protocol):
    """What is controlled."""

    @property
    def dc(self) -> DataCentre: ...

    @property
    def control(self) -> WorldControl: ...

    @property
    def world(self) -> World: ...

    @property
    def clock(self) -> MovedClock: ...

    def info(self) -> dict[str, Any]: ...


Handler = Callable[[Sandbox, Request], Awaitable[Any]]


def build_app(sandbox: Sandbox) -> Starlette:
    """The ASGI application that controls `sandbox`."""

    def route(path: str, method: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            result = await handler(sandbox, request)
            status = 201 if isinstance(result, _Created) else 200
            return JSONResponse(result.value if isinstance(result, _Created) else result, status)

        return Route(path, endpoint, methods=[method])

    return Starlette(
        routes=[
            route("/info", "GET", _info),
            route("/accounts", "GET", _accounts),
            route("/accounts", "POST", _create_account),
            route("/accounts/{phone}", "GET", _account),
            route("/accounts/{phone}/code", "GET", _code),
            route("/accounts/{phone}/mails", "GET", _mails),
            route("/accounts/{phone}/act", "POST", _act),
            route("/faults", "GET", _faults),
            route("/faults", "POST", _add_fault),
            route("/faults", "DELETE", _clear_faults),
            route("/faults/{number:int}", "DELETE", _remove_fault),
            route("/ledger", "GET", _ledger),
            route("/ledger/messages", "GET", _ledger_messages),
            route("/ledger/updates", "GET", _ledger_updates),
            route("/ledger/calls", "GET", _ledger_calls),
            route("/ledger/connections", "GET", _ledger_connections),
            route("/world/save", "POST", _save),
            route("/world/load", "POST", _load),
            route("/world/reset", "POST", _reset),
            route("/world/files", "GET", _files),
            route("/world/files", "POST", _set_files),
            route("/world/time", "GET", _time),
            route("/world/time", "POST", _set_time),
        ],
        middleware=[Middleware(LocalOnly)],
        exception_handlers={
            ControlError: _refused,
            FaultError: _bad_fault,
            HTTPException: _http_error,
            Exception: _crashed,
        },
    )


class _Created:
    """A result that answers 201."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


async def _refused(_: Request, error: Exception) -> Response:
    refusal: ControlError = error  # type: ignore[assignment]
    return _error(refusal.status, refusal.code, refusal.message)


async def _bad_fault(_: Request, error: Exception) -> Response:
    return _error(422, "VALIDATION_ERROR", str(error))


async def _http_error(_: Request, error: Exception) -> Response:
    status: int = error.status_code  # type: ignore[attr-defined]
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(status, "BAD_REQUEST")
    return _error(status, code, str(error.detail))  # type: ignore[attr-defined]


async def _crashed(_: Request, error: Exception) -> Response:
    return _error(500, "INTERNAL_ERROR", type(error).__name__)


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises ControlError 400 for anything else."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise ControlError(413, "BODY_TOO_LARGE", f"a body has at most {MAX_BODY} bytes")
    try:
        value = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        raise ControlError(400, "BAD_REQUEST", "the body is no JSON") from None
    if not isinstance(value, dict):
        raise ControlError(400, "BAD_REQUEST", "the body is no JSON object")
    return value


# Data centre and accounts.


async def _info(sandbox: Sandbox, _: Request) -> Any:
    return sandbox.info()


async def _accounts(sandbox: Sandbox, _: Request) -> Any:
    return sandbox.control.accounts()


async def _create_account(sandbox: Sandbox, request: Request) -> Any:
    return _Created(sandbox.control.create_account(await _body(request)))


def _known(sandbox: Sandbox, request: Request) -> str:
    """The phone in the path. Raises 404 when nobody has it."""
    phone = request.path_params["phone"]
    sandbox.control.account(phone)
    return str(phone)


async def _account(sandbox: Sandbox, request: Request) -> Any:
    return sandbox.control.account(request.path_params["phone"])


async def _code(sandbox: Sandbox, request: Request) -> Any:
    """A number without an account has codes too: of a sign-up."""
    phone = request.path_params["phone"]
    code = sandbox.control.code(phone)
    if code is None:
        _known(sandbox, request)
        raise ControlError(404, "CODE_NOT_FOUND", "no code has been sent to this phone")
    return code


async def _mails(sandbox: Sandbox, request: Request) -> Any:
    """Codes sent by e-mail: confirming an address, recovering a cloud password."""
    return sandbox.control.mails(_known(sandbox, request))


async def _act(sandbox: Sandbox, request: Request) -> Any:
    return await sandbox.control.act(_known(sandbox, request), await _body(request))


# Faults.


async def _faults(sandbox: Sandbox, _: Request) -> Any:
    return [rule.as_dict() for rule in sandbox.dc.faults.all()]


async def _add_fault(sandbox: Sandbox, request: Request) -> Any:
    body = await _body(request)
    verb, match, args = body.get("verb"), body.get("match", {}), body.get("args", {})
    if not isinstance(verb, str) or not isinstance(match, dict) or not isinstance(args, dict):
        raise ControlError(422, "VALIDATION_ERROR", "a fault is {verb, match: {...}, args: {...}}")
    for scope in (match, args):
        if "chat" in scope:
            scope["chat"] = _marked(sandbox, scope["chat"])
    rule = await sandbox.dc.add_fault(verb, match, args)
    return _Created(rule.as_dict())


def _marked(sandbox: Sandbox, chat: Any) -> str:
    """A chat as rules compare it: the marked id; a phone or @name is looked up among the accounts."""
    wanted = str(chat)
    if wanted.startswith(("+", "@")):
        for account in sandbox.control.accounts():
            if wanted == account["phone"] or wanted[1:] == account["username"]:
                return str(account["id"])
        raise ControlError(404, "ACCOUNT_NOT_FOUND", "nobody has this phone or name")
    return wanted


async def _remove_fault(sandbox: Sandbox, request: Request) -> Any:
    if not await sandbox.dc.remove_fault(request.path_params["number"]):
        raise ControlError(404, "FAULT_NOT_FOUND", "there is no such rule")
    return {"deleted": True}


async def _clear_faults(sandbox: Sandbox, _: Request) -> Any:
    await sandbox.dc.clear_faults()
    return {"deleted": True}


# Ledgers.


def _filters(request: Request, *names: str) -> dict[str, str]:
    """The filters given in the query, under their Python names. An unknown one is refused, not ignored."""
    python = {"randomId": "random_id"}
    given = dict(request.query_params)
    unknown = set(given) - set(names)
    if unknown:
        raise ControlError(422, "VALIDATION_ERROR", f"unknown filter {min(unknown)!r}")
    return {python.get(name, name): value for name, value in given.items()}


def _number(filters: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(filters.get(name, default))
    except ValueError:
        raise ControlError(422, "VALIDATION_ERROR", f"{name} is a whole number") from None


def _page(rows: Iterable[Any], filters: Mapping[str, str]) -> list[Any]:
    return list(islice(rows, max(1, min(_number(filters, "limit", PAGE), MAX_PAGE))))


async def _ledger_messages(sandbox: Sandbox, request: Request) -> Any:
    filters: dict[str, Any] = {**_filters(request, "phone", "randomId", "since", "limit")}
    return sandbox.control.ledger_messages(**filters)


async def _ledger_updates(sandbox: Sandbox, request: Request) -> Any:
    filters: dict[str, Any] = {**_filters(request, "phone", "since", "limit")}
    return sandbox.control.ledger_updates(**filters)


async def _ledger(sandbox: Sandbox, _: Request) -> Any:
    """How many rows each ledger of the wire has given up: what a list lacks at its beginning."""
    ledger = sandbox.dc.ledger
    return {
        "limit": ledger.limit,
        "calls": {"dropped": ledger.lost_calls},
        "connections": {"dropped": ledger.lost_connections},
    }


async def _ledger_calls(sandbox: Sandbox, request: Request) -> Any:
    filters = _filters(request, "phone", "randomId", "since", "limit", "method")
    method = filters.get("method")
    rows = sandbox.dc.ledger.calls(
        phone=digits(filters["phone"]) if "phone" in filters else None,
        random_id=_number(filters, "random_id", 0) if "random_id" in filters else None,
        since=_number(filters, "since", 0),
    )
    return [row.as_dict() for row in _page((row for row in rows if method in {None, row.method}), filters)]


async def _ledger_connections(sandbox: Sandbox, request: Request) -> Any:
    filters = _filters(request, "phone", "since", "limit")
    dc = sandbox.dc
    for each in (dc, *dc.siblings):
        each.engine.account(iter(each.listener))
    rows = dc.ledger.connections(
        dc.rpc.person_of,
        phone=digits(filters["phone"]) if "phone" in filters else None,
        since=_number(filters, "since", 0),
    )
    return [row.as_dict(phone) for row, phone in _page(rows, filters)]


# State.


async def _save(sandbox: Sandbox, _: Request) -> Any:
    return sandbox.control.save()


async def _load(sandbox: Sandbox, _: Request) -> Any:
    return sandbox.control.load()


async def _reset(sandbox: Sandbox, _: Request) -> Any:
    await sandbox.dc.clear_faults()
    sandbox.dc.ledger.clear()
    sandbox.clock.offset = 0.0
    return sandbox.control.reset()


async def _files(sandbox: Sandbox, request: Request) -> Any:
    filters = _filters(request, "limit")
    return file_control.shown(sandbox.world, min(_number(filters, "limit", PAGE), MAX_PAGE))


async def _set_files(sandbox: Sandbox, request: Request) -> Any:
    dcs = {dc.dc_id for dc in (sandbox.dc, *sandbox.dc.siblings)}
    return file_control.change(sandbox.world, await _body(request), dcs)


async def _time(sandbox: Sandbox, _: Request) -> Any:
    return {"time": sandbox.clock.time(), "movedBy": round(sandbox.clock.offset, 3)}


async def _set_time(sandbox: Sandbox, request: Request) -> Any:
    """`{"time": ...}` sets it, `{"by": ...}` moves it: seconds, either."""
    body = await _body(request)
    found = [name for name in ("time", "by") if name in body]
    value = body[found[0]] if len(found) == 1 and len(body) == 1 else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ControlError(422, "VALIDATION_ERROR", "time is set by {time: seconds} or moved by {by: seconds}")
    moment = value if found == ["time"] else sandbox.clock.time() + value
    if not 0 <= moment <= LATEST:
        raise ControlError(422, "VALIDATION_ERROR", f"time is from 0 to {LATEST}")
    sandbox.clock.set(moment)
    return await _time(sandbox, request)
