"""Swagger UI at /docs, from our own files, under a policy that lets nothing else in."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from teleflow.api.openapi import rendered
from teleflow.errors import NotFound

_FOLDER = Path(__file__).parent / "static" / "swagger-ui"
router = APIRouter(include_in_schema=False)
_FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
    "init.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
}
# Swagger UI's style sheet carries its icons as data: images. It needs no inline script and no other host.
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TeleFlow API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/init.js"></script>
</body>
</html>
"""


@router.get("/docs")
async def page() -> Response:
    return Response(_PAGE, media_type="text/html; charset=utf-8", headers={"content-security-policy": PAGE_CSP})


@router.get("/docs/{name}")
async def file(name: str) -> Response:
    kind = _FILES.get(name)
    if kind is None:
        raise NotFound("There is nothing at this path")
    return FileResponse(_FOLDER / name, media_type=kind, headers={"cache-control": "public, max-age=3600"})


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    # Half a second of arithmetic the first time: beside the loop.
    body = await asyncio.to_thread(rendered, request.app)
    return Response(body, media_type="application/json")
