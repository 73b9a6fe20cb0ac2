"""Of the routes at the root."""

from __future__ import annotations

from typing import Any

_TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2huIn0.c2lnbmF0dXJl",
    "refresh_token": "eyJhbGciOiJIUzI1NiJ9.eyJ0eXAiOiJyZWZyZXNoIn0.c2lnbmF0dXJl",
    "token_type": "bearer",
    "expires_in": 1800,
}
_HEALTH = {"status": "ok", "uptime": 86400.5, "timestamp": "2026-01-02T03:04:05.678Z", "sessions": {"active": 3}}
_VERSION = {"name": "TeleFlow", "version": "1.0.0", "runtime": "Python 3.11.7"}
_NEW_USER = {
    "username": "john",
    "password": "a long and secret sentence",
    "telegram_phone": "+9996610001",
    "telegram_api_id": 12345678,
    "telegram_api_hash": "abcdef1234567890abcdef1234567890",
}
_USER = {
    "username": "john",
    "role": "user",
    "telegram_phone": "+9996610001",
    "telegram_api_id": 12345678,
    "telegram_api_hash": "abcd…7890",
    "telegram_connected": True,
    "description": None,
    "created_at": "2026-01-02T03:04:05.678Z",
}
_LOG = {
    "username": "john",
    "from_phone": "+9996610001",
    "to_phone": "+9996610002",
    "message": "Your verification code is 123456",
    "success": True,
    "detail": "Message sent",
    "created_at": "2026-01-02T03:04:05.678Z",
}

_READY = {"ready": True, "checks": {"database": {"ok": True}, "telegram": {"ok": True}}}
REQUESTS: dict[str, Any] = {
    "auth.login": {"username": "admin", "password": "a long and secret sentence"},
    "auth.refresh": {"refresh_token": _TOKENS["refresh_token"]},
    "auth.logout": {"refresh_token": _TOKENS["refresh_token"]},
    "users.create": _NEW_USER,
    "telegram.verify": {"code": "12345"},
    "simple.send": {"phone": "+9996610002", "message": "Your verification code is 123456"},
}
ANSWERS: dict[str, Any] = {
    "service.health": {**_HEALTH, "success": True, "data": _HEALTH},
    "service.ready": {**_READY, "success": True, "data": _READY},
    "service.metrics": "# HELP teleflow_sessions Sessions by state\n# TYPE teleflow_sessions gauge\n…",
    "service.version": {**_VERSION, "success": True, "data": _VERSION},
    "auth.login": _TOKENS,
    "auth.refresh": _TOKENS,
    "auth.logout": {"message": "Logged out"},
    "auth.logoutAll": {"message": "Logged out everywhere"},
    "auth.me": {
        "username": "john",
        "role": "user",
        "telegram_phone": "+9996610001",
        "telegram_connected": True,
        "description": None,
        "created_at": "2026-01-02T03:04:05.678Z",
    },
    "users.create": {"message": "User created", "username": "john"},
    "users.list": {"users": [_USER], "count": 1},
    "users.delete": {"message": "User deleted"},
    "telegram.init": {"message": "Code sent"},
    "telegram.verify": {"message": "Connected", "name": "John", "phone": "+9996610001"},
    "telegram.status": {"connected": True, "phone": "+9996610001", "name": "John"},
    "simple.send": {"success": True, "detail": "Message sent", "jobId": "job_01kdx8zq5ge9mvs4tjq3c1w2ab"},
    "logs.list": {"logs": [_LOG], "count": 1},
}
