"""Variables as an operator sets them, and what each of them changes in a running service."""

from __future__ import annotations

import base64
import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.support.program import Program, running

KEY = "a-key-of-the-operator's-own-choice"
QUICK = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SET = {
    "HOST": "127.0.0.1",
    "PORT": "0",
    "METRICS_HOST": "127.0.0.1",
    "ADMIN_USERNAME": "root",
    "ADMIN_PASSWORD": "an admin's password",
    "API_KEY": KEY,
    "PASSWORD_MIN_LENGTH": "12",
    "JWT_ALGORITHM": "HS512",
    "JWT_ACCESS_EXPIRE_MINUTES": "7",
    "JWT_REFRESH_EXPIRE_DAYS": "3",
    "BODY_LIMIT_BYTES": "2048",
    "WEBHOOKS_PER_USER": "1",
    "WEBHOOK_ALLOW_NETS": "127.0.0.0/8",
    "STREAMS_PER_KEY": "1",
    "CORS_ORIGIN": "https://one.example,https://two.example",
    "TRUSTED_PROXIES": "127.0.0.1",
    "NODE_ENV": "development",
}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


def ask(url: str, body: Any = None, method: str | None = None, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(url, data, sent, method=method)
    try:
        with QUICK.open(request, timeout=20) as answer:
            status, told, text = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        status, told, text = error.code, error.headers, error.read()
    kind = told.get("content-type", "")
    return Answer(
        status, {k.lower(): v for k, v in told.items()}, json.loads(text) if "json" in kind else text.decode()
    )


def claims(token: str, part: int = 1) -> dict[str, Any]:
    text = token.split(".")[part]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


class Service(NamedTuple):
    program: Program
    url: str
    metrics: str

    def login(self) -> dict[str, Any]:
        form = urllib.parse.urlencode({"username": "root", "password": SET["ADMIN_PASSWORD"]}).encode()
        answer = ask(f"{self.url}/auth/login", form, content_type="application/x-www-form-urlencoded")
        assert answer.status == 200, answer
        return dict(answer.body)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    port = free_port()
    with running(["serve"], tmp_path_factory.mktemp("set"), {**SET, "METRICS_PORT": str(port)}) as program:
        found = re.search(r"http://127\.0\.0\.1:\d+", program.line())
        assert found
        yield Service(program, found.group(), f"http://127.0.0.1:{port}/metrics")


def test_the_first_admin_and_the_bootstrap_key(service: Service) -> None:
    assert service.login()["token_type"] == "bearer"
    me = ask(f"{service.url}/api/v1/auth/me", X_API_Key=KEY)
    assert (me.status, "root" in json.dumps(me.body)) == (200, True), me


def test_how_tokens_are_signed_and_how_long_they_live(service: Service) -> None:
    tokens = service.login()
    assert claims(tokens["access_token"], 0)["alg"] == "HS512"
    of = claims(tokens["access_token"])
    assert of["exp"] - of["iat"] == 7 * 60
    of = claims(tokens["refresh_token"])
    assert of["exp"] - of["iat"] == 3 * 86400


def test_the_shortest_password(service: Service) -> None:
    def make(password: str) -> Answer:
        return ask(f"{service.url}/api/v1/users", {"name": "ann", "password": password}, X_API_Key=KEY)

    assert make("eleven char").status == 422
    assert make("twelve chars").status == 201


def test_the_largest_body(service: Service) -> None:
    answer = ask(f"{service.url}/api/v1/users", b'{"username": "' + b"x" * 2048 + b'"}', X_API_Key=KEY)
    assert (answer.status, answer.body["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_webhooks_and_where_they_may_point(service: Service) -> None:
    def make(url: str) -> Answer:
        return ask(f"{service.url}/api/v1/webhooks", {"url": url, "events": ["message.received"]}, X_API_Key=KEY)

    assert make("http://192.168.0.1/hook").status == 422, "not among WEBHOOK_ALLOW_NETS"
    assert make("http://127.0.0.1:8080/hook").status == 201
    assert make("http://127.0.0.1:8080/second").status in (403, 409, 429), "WEBHOOKS_PER_USER"


def test_streams_at_once(service: Service) -> None:
    stream = urllib.request.Request(f"{service.url}/api/v1/events", headers={"X-API-Key": KEY})
    with QUICK.open(stream, timeout=20) as first:
        assert first.status == 200
        assert ask(f"{service.url}/api/v1/events", X_API_Key=KEY).status == 429


def test_origins(service: Service) -> None:
    def allowed(origin: str) -> str | None:
        asked = {"Origin": origin, "Access_Control_Request_Method": "GET"}
        return ask(f"{service.url}/health", None, "OPTIONS", **asked).headers.get("access-control-allow-origin")

    assert allowed("https://two.example") == "https://two.example"
    assert allowed("https://three.example") is None


def test_whom_a_trusted_proxy_speaks_for(service: Service) -> None:
    name = "somebody who is not there"
    form = urllib.parse.urlencode({"username": name, "password": "a wrong one"}).encode()
    ask(
        f"{service.url}/auth/login",
        form,
        content_type="application/x-www-form-urlencoded",
        X_Forwarded_For="203.0.113.9",
    )
    assert "203.0.113.9" in json.dumps(ask(f"{service.url}/api/v1/audit", X_API_Key=KEY).body)


def test_metrics_have_a_port_of_their_own(service: Service) -> None:
    ours = ask(service.metrics)
    assert (ours.status, "teleflow_up 1" in ours.body) == (200, True)
    assert ask(f"{service.url}/metrics").status in (401, 404)


def test_the_log_is_for_people_in_development(service: Service) -> None:
    lines = service.program.errors().splitlines()
    assert any("info" in line for line in lines)
    assert not any(line.startswith("{") for line in lines)
