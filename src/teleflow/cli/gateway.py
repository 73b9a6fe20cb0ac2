"""A running service, as the command line talks to it: its public API, with the standard library's client."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from teleflow.errors import (
    Conflict,
    Forbidden,
    Internal,
    Invalid,
    Limited,
    NotFound,
    TeleFlowError,
    Unauthenticated,
    Unavailable,
    Upstream,
)

DEADLINE = 90.0  # seconds; a send may wait SEND_WAIT_SECONDS
MOST_ANSWER = 4 * 1024 * 1024
_KINDS: dict[int, type[TeleFlowError]] = {
    400: Upstream,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: Limited,
    502: Upstream,
    503: Unavailable,
}


def _check(url: str) -> None:
    """Raises Invalid, without the URL: what is wrong with it may be that it holds a password."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in {"http", "https"} or port == 0 or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise Invalid("--url: this is no http:// or https:// address, such as http://127.0.0.1:8001")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise Invalid("--url: an address alone, please; who asks is --username's and TELEFLOW_PASSWORD's to say")


class Gateway:
    """One caller at one service."""

    def __init__(self, url: str) -> None:
        _check(url)
        self._url = url.rstrip("/")
        self._token: str | None = None
        # No proxy of the environment: a password goes to the address that was named, and nowhere else.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def log_in(self, username: str, password: str) -> None:
        form = urllib.parse.urlencode({"username": username, "password": password}).encode()
        answer = self._ask("POST", "/auth/login", form, "application/x-www-form-urlencoded")
        self._token = str(answer["access_token"])
        self._refresh_token = str(answer["refresh_token"])

    def log_out(self) -> None:
        if self._token is not None:
            self.post("/auth/logout", {"refresh_token": self._refresh_token})
            self._token = None

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path, None, None)

    def delete(self, path: str) -> dict[str, Any]:
        return self._ask("DELETE", path, None, None)

    def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        return self._ask("POST", path, json.dumps(body or {}).encode(), "application/json", headers)

    def _ask(
        self, method: str, path: str, data: bytes | None, media: str | None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        request = urllib.request.Request(self._url + path, data=data, method=method)  # noqa: S310 - checked above
        for name, value in (headers or {}).items():
            request.add_header(name.replace("_", "-"), value)
        if media is not None:
            request.add_header("Content-Type", media)
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=DEADLINE) as answer:
                return _object(answer.read(MOST_ANSWER))
        except urllib.error.HTTPError as error:
            raise _told(error.code, error.read(MOST_ANSWER), error.headers.get("Retry-After")) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Unavailable(f"No service answers at {self._url}: {reason}") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _object(raw: bytes) -> dict[str, Any]:
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise ValueError("the answer is no object")  # noqa: TRY004 - what it came from is text
    return value


def _told(status: int, raw: bytes, retry_after: str | None) -> TeleFlowError:
    """The service's error, as an error of ours."""
    kind = _KINDS.get(status, Internal if status >= 500 else Invalid)
    try:
        body = _object(raw)
        message, code = str(body["detail"]), str(body["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return kind(f"The service answered {status}")
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
    return kind(message, code=code, retry_after=seconds)
