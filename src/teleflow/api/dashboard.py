"""The dashboard: pages built from `web/`, served as files under a policy that lets nothing else in.

Whatever it shows it asks of the public API. A path of its own that a browser asks for gets the one page, which finds
out by itself what to show; every other path is the API's.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from teleflow.errors import NotFound

_FOLDER = Path(__file__).parent / "static" / "dashboard"
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.[a-z0-9]+")
_ZIPPED = frozenset({".js", ".css", ".svg", ".html"})
PAGES = (
    "sign-in",
    "sessions",
    "chats",
    "events",
    "webhooks",
    "jobs",
    "people",
    "keys",
    "audit",
    "system",
    "sandbox",
    "account",
)
"""The first parts of the paths that are the dashboard's own."""
# Svelte makes elements from templates of its own, by the one policy that is named here.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html"
)
_FOR_EVER = "public, max-age=31536000, immutable"
router = APIRouter(include_in_schema=False)


class _File(NamedTuple):
    body: bytes
    zipped: bytes | None
    media: str
    etag: str
    changed: int


class Files:
    """The built files, each read once for as long as it stays as it is. What was not built is not there."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._folder = folder
        self._read: dict[str, _File] = {}

    def get(self, name: str) -> _File:
        """Raises NotFound."""
        found = self._read.get(name)
        try:
            changed = (self._folder / name).stat().st_mtime_ns
            body = b"" if found is not None and found.changed == changed else (self._folder / name).read_bytes()
        except OSError:
            raise NotFound("There is nothing at this path") from None
        if found is None or found.changed != changed:
            suffix = Path(name).suffix
            zipped = gzip.compress(body, 9, mtime=0) if suffix in _ZIPPED else None
            media = mimetypes.types_map.get(suffix, "application/octet-stream")
            media = "text/javascript" if suffix == ".js" else "font/woff2" if suffix == ".woff2" else media
            text = "; charset=utf-8" if media.startswith("text/") else ""
            found = _File(body, zipped, media + text, f'"{hashlib.sha256(body).hexdigest()[:20]}"', changed)
            self._read[name] = found
        return found


def _answer(request: Request, name: str, headers: dict[str, str]) -> Response:
    files: Files = request.app.state.dashboard
    file = files.get(name)
    told = {**headers, "etag": file.etag, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=told)
    if file.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.zipped, media_type=file.media, headers={**told, "content-encoding": "gzip"})
    return Response(file.body, media_type=file.media, headers=told)


@router.get("/assets/{name}")
async def asset(name: str, request: Request) -> Response:
    if not _NAME.fullmatch(name):
        raise NotFound("There is nothing at this path")
    return _answer(request, f"assets/{name}", {"cache-control": _FOR_EVER})


@router.get("/favicon.svg")
async def icon(request: Request) -> Response:
    return _answer(request, "favicon.svg", {"cache-control": "public, max-age=86400"})


async def page(request: Request) -> Response:
    """The one page, for whoever asks for a page. A program that asks here has lost its way and is told so."""
    if "text/html" not in request.headers.get("accept", ""):
        raise NotFound("There is nothing at this path")
    headers = {"cache-control": "no-cache", "content-security-policy": CSP}
    return _answer(request, "index.html", headers)


for _path in ("", *PAGES):
    router.add_api_route(f"/{_path}", page, methods=["GET"])
    if _path:
        router.add_api_route(f"/{_path}/{{rest:path}}", page, methods=["GET"])
