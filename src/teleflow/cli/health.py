"""`teleflow health`: does the service answer? For the health checks of containers and watchers."""

from __future__ import annotations

import http.client
import json
from typing import Any

from teleflow.cli.output import say
from teleflow.errors import Unavailable

_DEADLINE = 8.0
_MOST = 65536


def health() -> None:
    """Ask the service that these settings start whether it is up. Exit code 0 when it is, 9 when not.

    HOST and PORT say where it listens.
    """
    from teleflow.config import load_settings

    settings = load_settings()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(host, settings.port, timeout=_DEADLINE)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        told = _object(answer.read(_MOST))
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"Nothing answers at {host}:{settings.port} ({error})") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise Unavailable(f"The service answers, but is not well: {told.get('status', answer.status)}")
    say(str(told.get("status")))


def _object(raw: bytes) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
