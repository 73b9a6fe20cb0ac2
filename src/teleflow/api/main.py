"""The HTTP application, put together. Nothing happens when this is imported."""

from __future__ import annotations

from typing import cast

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from teleflow.api import dashboard, docs, facts, system, v1
from teleflow.api.bodies import refuse_fields
from teleflow.api.cors import Cors
from teleflow.api.edge import Edge
from teleflow.api.errors import Refusal, error_answer, trace_of
from teleflow.api.index import Dispatch, RouteIndex
from teleflow.api.proxies import Proxies
from teleflow.api.simple import auth, messages, telegram, users
from teleflow.api.v1.chats import hot_list
from teleflow.api.v1.event_socket import EventSocket
from teleflow.api.v1.gate import Gate
from teleflow.api.v1.limits import Limits
from teleflow.api.v1.methods import hot_invoke
from teleflow.api.v1.parcels import UPLOADS
from teleflow.api.v1.pictures import MOST_PICTURE
from teleflow.api.v1.sending import hot_send
from teleflow.config import Settings
from teleflow.errors import Internal, Invalid, Malformed, NotFound, TeleFlowError, Unavailable
from teleflow.kit.clock import Clock
from teleflow.meters import Meters
from teleflow.model.parcels import ALBUM_LIMIT
from teleflow.services.everything import Services
from teleflow.tracing import Tracing

_log = structlog.get_logger(__name__)
ROUTERS: tuple[APIRouter, ...] = (
    system.router,
    auth.router,
    users.router,
    telegram.router,
    messages.router,
    *v1.ROUTERS,
    docs.router,
    dashboard.router,
)


def build_api() -> FastAPI:
    """The framework's part: routes and what becomes of errors inside them."""
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    api.router.routes.extend(route for router in ROUTERS for route in router.routes)
    api.router.middleware_stack = Dispatch(RouteIndex(_routes()), api.router.middleware_stack)
    api.state.dashboard = dashboard.Files()
    api.add_exception_handler(TeleFlowError, _tell)
    api.add_exception_handler(Refusal, _tell)
    api.add_exception_handler(RequestValidationError, _tell_validation)
    api.add_exception_handler(HTTPException, _tell_http)
    api.add_exception_handler(Exception, _tell_unexpected)
    return api


def build_app(
    services: Services,
    settings: Settings,
    *,
    clock: Clock,
    meters: Meters | None = None,
    tracing: Tracing | None = None,
) -> Edge:
    """The whole application, for an ASGI server."""
    api = build_api()
    api.state.services = services
    limits = Limits(settings.rate_limit_max, settings.rate_limit_window_ms / 1000, clock)
    return Edge(
        Gate(
            api,
            services,
            limits,
            thin={
                ("POST", "/api/v1/messages/send"): hot_send(services),
                ("GET", "/api/v1/chats"): hot_list(services),
                ("POST", "/api/v1/sessions/{}/invoke"): hot_invoke(services),
            },
            socket=EventSocket(services),
        ),
        hot={("POST", "/send"): messages.hot_send(services)},
        routes=RouteIndex(_routes()),
        body_limit=settings.body_limit_bytes,
        form_limits=dict.fromkeys(UPLOADS, settings.upload_most_bytes * ALBUM_LIMIT + settings.body_limit_bytes),
        picture_limit=MOST_PICTURE + settings.body_limit_bytes,
        clock=clock,
        meters=meters,
        tracing=tracing,
        cors=Cors(settings.cors_origins) if settings.cors_origins else None,
        proxies=Proxies(settings.trusted_networks) if settings.trusted_networks else None,
    )


def _routes() -> list[Route]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, Route)]


async def _tell(request: Request, error: Exception) -> Response:
    told = cast("TeleFlowError | Refusal", error)
    request_id = facts.of(request.scope).request_id
    answer = error_answer(told, request_id)
    if answer.status >= 500:
        _log.error(
            "http.error",
            path=facts.shown_path(request.scope),
            status=answer.status,
            error=str(error),
            request_id=request_id,
            exc_info=trace_of(told),
        )
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)


async def _tell_validation(request: Request, error: Exception) -> Response:
    problems = cast("RequestValidationError", error).errors()
    try:
        refuse_fields([(".".join(str(part) for part in item["loc"][1:]), item["msg"]) for item in problems])
    except Invalid as invalid:
        return await _tell(request, invalid)


async def _tell_http(request: Request, error: Exception) -> Response:
    http = cast("HTTPException", error)
    status = http.status_code
    told: TeleFlowError
    if status == 404:
        told = NotFound("There is nothing at this path")
    elif status == 405:
        told = Invalid("This method is not possible here", code="METHOD_NOT_ALLOWED")
    elif status == 413:
        told = Invalid("The body is too large", code="PAYLOAD_TOO_LARGE")
    elif status < 500:
        told = Malformed(str(http.detail))
    else:
        told = Unavailable("Can't be served now")
    return await _tell(request, told)


async def _tell_unexpected(request: Request, _error: Exception) -> Response:
    """The edge logs it."""
    return await _tell(request, Internal("unexpected"))
