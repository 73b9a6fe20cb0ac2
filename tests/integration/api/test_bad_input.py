"""What no client of good will sends: each has its answer, quickly, in our form. Attack rows I and W."""

from __future__ import annotations

import time

import httpx2
import pytest

from teleflow.errors import Internal
from tests.integration.api.rig import Service, assert_error

JSON = {"content-type": "application/json"}
HEADERS_OF_EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
PATHS_OF_NOTHING = [
    "//users", "/USERS", "/users/", "/users;x=.json", "/users.", "/users%00", "/health/../users",
    "/docs%2f..%2fusers", "/health/%2e%2e/users", "/.git/config", "/.env", "/metrics/", "/api/v1/nothing",
    "/docs/../../config.py", "/docs/..%2f..%2fmain.py", "/docs/init.js%00", "/static/", "/users/a/b",
]  # fmt: skip
BOTH_LENGTHS = (
    b"POST /auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)
UNREADABLE = [
    b"",
    b"{",
    b"[" * 10_000 + b"]" * 10_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"phone":"+15550100002","phone":"+15550100003","message":"x"}',
    b'{"phone":"+15550100002","message":"x","m":{"a":1,"a":2}}',
    b'{"phone":"+15550100002","message":"x","\\u006dessage":"y"}',
    b'{"phone":NaN,"message":"x"}',
    b'{"phone":Infinity,"message":"x"}',
    b'{"phone":1e400,"message":"x"}',
    b'{"phone":' + b"1" * 5000 + b',"message":"x"}',
    b'\xef\xbb\xbf{"phone":"+15550100002","message":"x"}',
    '{"phone":"+15550100002","message":"x"}'.encode("utf-16"),
    '{"phone":"+15550100002","message":"x"}'.encode("utf-16-le"),
    b'{"phone":"+15550100002","message":"\\ud800"}',
    b'{"phone":"+15550100002","message":"\\udc00\\ud800"}',
    b'{"phone":"+15550100002","message":"\xed\xa0\x80"}',
    b'{"phone":"+15550100002","message":"\xff"}',
    b'{"phone":"+15550100002","message":"x",}',
    b'{"phone":"+15550100002","message":"x"} {}',
    b"{'phone':'+15550100002'}",
]


@pytest.mark.parametrize("path", ["/send", "/users"])
async def test_unreadable_json_is_400_before_anything_else(service: Service, path: str) -> None:
    headers = {**(await service.bearer()), **JSON}
    for body in UNREADABLE:
        started = time.perf_counter()
        answer = await service.http.post(path, content=body, headers=headers)
        assert_error(answer, 400, "BAD_REQUEST")
        assert time.perf_counter() - started < 0.5, body[:40]


@pytest.mark.parametrize(
    "body",
    [
        "null", "[]", '"x"', "7", "{}", '{"phone":"+15550100002"}', '{"phone":7,"message":"x"}',
        '{"phone":"+15550100002","message":["x"]}', '{"phone":{"$ne":null},"message":"x"}',
        '{"phone":"+15550100002","message":null}', '{"phone":"+15550100002","message":""}',
    ],
)  # fmt: skip
async def test_readable_json_of_the_wrong_shape_is_422(service: Service, body: str) -> None:
    headers = {**(await service.connected()), **JSON}
    answer = await service.http.post("/send", content=body, headers=headers)
    told = assert_error(answer, 422, "MESSAGE_EMPTY" if body.endswith('""}') else "VALIDATION_ERROR")
    assert told["error"]["details"]


async def test_texts_are_counted_as_telegram_counts_them(service: Service) -> None:
    headers = await service.connected()
    for text, status, code in [
        ("x", 200, None),
        ("x" * 4096, 200, None),
        ("x" * 4097, 422, "MESSAGE_TOO_LONG"),
        ("😀" * 2048, 200, None),
        ("😀" * 2048 + "x", 422, "MESSAGE_TOO_LONG"),
        ("", 422, "MESSAGE_EMPTY"),
        (" \n\t", 422, "MESSAGE_EMPTY"),
        ("a\x00b", 422, "MESSAGE_INVALID"),
        ("e" + "\u0301" * 100_000, 422, "MESSAGE_TOO_LONG"),
        ('quotes " and \\ and \n', 200, None),
    ]:
        answer = await service.http.post("/send", json={"phone": "+15550100002", "message": text}, headers=headers)
        if code is None:
            assert answer.status_code == 200, (text[:20], answer.text)
            assert service.telegram.asked[-1][3] == text
        else:
            assert assert_error(answer, status, code)["error"]["details"]["field"] == "message"


async def test_phones_are_normalised_or_refused(service: Service) -> None:
    headers = await service.connected()
    for phone, stored in [
        ("+1 (555) 010-0002", "+15550100002"),
        ("15550100002", "+15550100002"),
        ("+12345", "+12345"),
        ("+", None),
        ("", None),
        ("call me", None),
        ("1" * 40, None),
        ("٠١٢٣٤٥٦٧", None),
        ("+1555'; DROP TABLE jobs--", None),
        ("+1555\x000100002", None),
    ]:
        answer = await service.http.post("/send", json={"phone": phone, "message": "x"}, headers=headers)
        if stored is None:
            assert_error(answer, 422, "PHONE_NUMBER_INVALID")
        else:
            assert answer.status_code == 200, (phone, answer.text)
            assert service.telegram.asked[-1][2] == stored


@pytest.mark.parametrize(
    "kind",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/json; charset=utf-16", "application/jsonp", "text/json", "*/*"],
)  # fmt: skip
async def test_a_body_of_another_kind_is_415(service: Service, kind: str | None) -> None:
    headers = {**(await service.bearer()), **({"content-type": kind} if kind else {})}
    for path in ("/send", "/users", "/auth/refresh"):
        body = b'{"phone":"+15550100002","message":"x"}'
        assert_error(await service.http.post(path, content=body, headers=headers), 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_charset_of_utf_8_is_fine(service: Service) -> None:
    headers = {**(await service.connected()), "content-type": 'Application/JSON; charset="UTF-8"'}
    body = b'{"phone":"+15550100002","message":"x"}'
    assert (await service.http.post("/send", content=body, headers=headers)).status_code == 200


async def test_who_asks_is_looked_at_before_what_is_asked_and_broken_json_before_both(service: Service) -> None:
    for path in ("/send", "/users"):
        assert_error(await service.http.post(path, content=b"{}", headers=JSON), 401, "UNAUTHORIZED")
        assert_error(await service.http.post(path, content=b"{", headers=JSON), 400, "BAD_REQUEST")


@pytest.mark.parametrize("path", ["/send", "/users", "/auth/login", "/auth/refresh"])
async def test_a_body_that_is_too_large_is_413_and_never_kept(service: Service, path: str) -> None:
    headers = {**(await service.bearer()), **JSON}
    if path == "/auth/login":
        headers["content-type"] = "application/x-www-form-urlencoded"
    declared = await service.http.post(path, content=b"x" * 2_000_000, headers=headers)
    assert_error(declared, 413, "PAYLOAD_TOO_LARGE")
    produced = 0

    async def endless():
        nonlocal produced
        for _ in range(800):
            produced += 65536
            yield b"x" * 65536

    streamed = await service.http.post(path, content=endless(), headers=headers)
    assert_error(streamed, 413, "PAYLOAD_TOO_LARGE")


async def test_paths_are_meant_exactly(service: Service) -> None:
    """Attack row A11."""
    john = await service.user()
    for path in PATHS_OF_NOTHING:
        status, _, body = await service.raw(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {john['Authorization']}\r\n\r\n".encode()
        )
        assert status in {404, 405}, (path, status, body)
        assert b'"success":false' in body


async def test_every_answer_has_the_headers_that_protect_a_browser(service: Service) -> None:
    """Attack row W05."""
    for method, path, status in [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("GET", "/auth/me", 401),
        ("GET", "/nothing", 404),
        ("PUT", "/users", 405),
        ("TRACE", "/users", 405),
        ("OPTIONS", "/users", 204),
        ("OPTIONS", "/nothing", 404),
        ("POST", "/send", 401),
        ("GET", "/send", 405),
        ("GET", "/api/v1/chats/join", 405),
        ("PATCH", "/api/v1/sessions/qr", 405),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
    ]:
        answer = await service.http.request(method, path)
        assert answer.status_code == status, (method, path, answer.text)
        for name, value in HEADERS_OF_EVERY_ANSWER.items():
            assert answer.headers.get_list(name) == [value], (method, path, name)
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-request-id"]
        if status == 405 or method == "OPTIONS":
            assert path == "/nothing" or answer.headers["allow"]
        if method == "HEAD":
            assert answer.content == b""
    assert (await service.http.request("OPTIONS", "/users")).headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_request_id_is_kept_when_it_is_one(service: Service) -> None:
    kept = await service.http.get("/health", headers={"X-Request-Id": "trace-1.a_B"})
    assert kept.headers["x-request-id"] == "trace-1.a_B"
    for bad in ("x" * 65, "a b", "<script>", ""):
        answer = await service.http.get("/health", headers={"X-Request-Id": bad})
        assert answer.headers["x-request-id"] != bad
        assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 65_536 + b"\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Endless: " + b"a" * 70_000, 431),
        (b"GET /" + b"a" * 70_000, 431),
        (b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(1000)) + b"\r\n", 431),
        (BOTH_LENGTHS, 400),
        (b"POST /auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
        (b"GET /health HTTP/9.9\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"NONSENSE\r\n\r\n", 400),
    ],
)  # fmt: skip
async def test_what_is_no_http_gets_an_answer_of_our_form(service: Service, head: bytes, status: int) -> None:
    """Attack row I12."""
    got, headers, body = await service.raw(head)
    assert got == status, body
    assert headers["x-content-type-options"] == "nosniff"
    assert b'"success":false' in body
    assert (await service.http.get("/health")).status_code == 200


async def test_a_bad_chunk_is_answered_with_400(service: Service) -> None:
    bearer = (await service.bearer())["Authorization"]
    status, _, _ = await service.raw(
        b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: "
        + bearer.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
    )  # fmt: skip
    assert status == 400


async def test_an_unforeseen_failure_tells_nothing_but_its_request_id(service: Service, monkeypatch) -> None:
    """Attack row W08."""
    headers = await service.connected()

    errors = [RuntimeError("SELECT secret FROM /etc/passwd"), Internal("SELECT secret FROM /etc/passwd")] * 2

    async def broken(*_: object, **__: object) -> None:
        raise errors.pop()

    monkeypatch.setattr(service.telegram, "send", broken)
    monkeypatch.setattr(service.storage, "log_entries", broken)
    for answer in (
        await service.http.post("/send", json={"phone": "+15550100002", "message": "x"}, headers=headers),
        await service.http.post("/send", json={"phone": "+15550100002", "message": "x"}, headers=headers),
        await service.http.get("/logs", headers=headers),
        await service.http.get("/logs", headers=headers),
    ):
        body = assert_error(answer, 500, "INTERNAL_ERROR")
        assert "SELECT" not in str(body)


async def test_the_openapi_document_declares_every_route_and_its_errors(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert set(document["components"]["securitySchemes"]) == {"OAuth2Password", "BearerAuth", "ApiKeyAuth"}
    operations = {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert set(operations) >= {
        ("POST", "/auth/login"), ("POST", "/auth/refresh"), ("POST", "/auth/logout"), ("POST", "/auth/logout-all"),
        ("GET", "/auth/me"), ("POST", "/users"), ("GET", "/users"), ("DELETE", "/users/{username}"),
        ("POST", "/telegram/init"), ("POST", "/telegram/verify"), ("GET", "/telegram/status"), ("POST", "/send"),
        ("GET", "/logs"), ("GET", "/health"), ("GET", "/version"),
    }  # fmt: skip
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)
    assert all(name.count(".") == 1 for name in names)
    for key, operation in operations.items():
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}, (key, status)
    guarded = [key for key, operation in operations.items() if operation["security"]]
    for start in range(0, len(guarded), 50):  # so many strangers may ask that each place is asked by somebody new
        way = httpx2.AsyncHTTPTransport(local_address=f"127.0.0.{2 + start // 50}")
        async with httpx2.AsyncClient(base_url=service.url, transport=way, timeout=20) as stranger:
            for key in guarded[start : start + 50]:
                assert "401" in operations[key]["responses"], key
                answer = await stranger.request(key[0], key[1].replace("{username}", "x"))
                assert answer.status_code == 401, key
    assert "Idempotency-Key" in str(operations["POST", "/send"]["parameters"])


async def test_the_documentation_page_needs_nothing_from_elsewhere(service: Service) -> None:
    page = await service.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "https://" not in page.text
    assert "<script>" not in page.text, "no inline script"
    assert "style=" not in page.text
    import re

    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        part = await service.http.get(path)
        assert part.status_code == 200, path
        assert len(part.content) > 20
