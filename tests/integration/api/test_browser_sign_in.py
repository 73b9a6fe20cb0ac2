"""Signing in from a browser, and what other pages may not do with the cookie."""

from __future__ import annotations

import re

import httpx2
import pytest

from teleflow.model.browsers import COOKIE, stored_hash
from tests.integration.api.rig import PASSWORD, Service, assert_error

SIGN_IN = "/api/v1/auth/sign-in"
NAMED = {"name": "admin", "password": PASSWORD}


class Browser:
    """What a browser would send: its cookie, and its page's origin."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.cookie = ""
        self.csrf = ""

    @property
    def origin(self) -> str:
        return str(self.service.http.base_url).rstrip("/")

    async def sign_in(self, password: str = PASSWORD) -> httpx2.Response:
        own = {"origin": self.origin, **({"cookie": self.cookie} if self.cookie else {})}
        answer = await self.service.http.post(SIGN_IN, json={**NAMED, "password": password}, headers=own)
        assert answer.status_code == 200, answer.text
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        self.csrf = answer.json()["data"]["csrfToken"]
        return answer

    async def ask(self, method: str, path: str, *, csrf: str | None = "own", **headers: str) -> httpx2.Response:
        sent = {"cookie": self.cookie, "origin": self.origin, "sec-fetch-site": "same-origin", **headers}
        if csrf is not None:
            sent["x-csrf-token"] = self.csrf if csrf == "own" else csrf
        self.service.http.cookies.clear()
        body = {"json": {"name": "made", "scopes": ["read"]}} if method == "POST" and path.endswith("keys") else {}
        return await self.service.http.request(method, path, headers=sent, **body)


@pytest.fixture
async def browser(service: Service) -> Browser:
    made = Browser(service)
    await made.sign_in()
    return made


async def test_the_cookie_is_this_host_s_alone_and_no_script_reads_it(service: Service) -> None:
    answer = await Browser(service).sign_in()
    told, *rules = answer.headers["set-cookie"].split("; ")
    assert re.fullmatch(rf"{COOKIE}=tfw_[A-Za-z0-9_-]{{43}}", told)
    assert set(rules) == {"Max-Age=604800", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"}
    assert told.partition("=")[2] not in answer.text


async def test_a_cookie_opens_every_route_of_both_apis(browser: Browser) -> None:
    assert (await browser.ask("GET", "/api/v1/sessions")).status_code == 200
    assert (await browser.ask("GET", "/auth/me")).json()["username"] == "admin"
    assert (await browser.ask("GET", "/users")).status_code == 200
    assert (await browser.ask("POST", "/api/v1/keys")).status_code == 201
    told = (await browser.ask("GET", "/api/v1/auth/browser", csrf=None)).json()["data"]
    assert (told["name"], told["csrfToken"]) == ("admin", browser.csrf)


@pytest.mark.parametrize(
    ("csrf", "headers", "code"),
    [
        (None, {}, "CSRF_TOKEN_WRONG"),
        ("", {}, "CSRF_TOKEN_WRONG"),
        ("0" * 64, {}, "CSRF_TOKEN_WRONG"),
        ("own", {"origin": "https://evil.example"}, "ORIGIN_NOT_ALLOWED"),
        ("own", {"origin": "null"}, "ORIGIN_NOT_ALLOWED"),
        ("own", {"origin": "http://127.0.0.1:1"}, "ORIGIN_NOT_ALLOWED"),
        ("own", {"sec-fetch-site": "cross-site"}, "ORIGIN_NOT_ALLOWED"),
        ("own", {"sec-fetch-site": "same-site"}, "ORIGIN_NOT_ALLOWED"),
    ],
)
async def test_what_another_page_can_send_changes_nothing(
    browser: Browser, csrf: str | None, headers: dict[str, str], code: str
) -> None:
    for path in ("/api/v1/keys", "/auth/logout-all", "/api/v1/auth/sign-out"):
        assert_error(await browser.ask("POST", path, csrf=csrf, **headers), 403, code)
    assert (await browser.ask("GET", "/api/v1/keys")).json()["data"] == []


async def test_another_page_may_not_even_read(browser: Browser) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "same-site"}):
        assert_error(await browser.ask("GET", "/api/v1/sessions", **headers), 403, "ORIGIN_NOT_ALLOWED")
        assert_error(await browser.ask("GET", "/auth/me", **headers), 403, "ORIGIN_NOT_ALLOWED")


async def test_another_page_can_t_sign_somebody_in(service: Service) -> None:
    answer = await service.http.post(SIGN_IN, json=NAMED, headers={"origin": "https://evil.example"})
    assert_error(answer, 403, "ORIGIN_NOT_ALLOWED")
    assert "set-cookie" not in answer.headers
    form = await service.http.post(SIGN_IN, content=b"name=admin", headers={"content-type": "text/plain"})
    assert form.status_code in {400, 415, 422}


async def test_a_secret_from_before_the_sign_in_is_never_taken_over(service: Service) -> None:
    fixed = Browser(service)
    fixed.cookie = f"{COOKIE}=tfw_{'A' * 43}"
    await fixed.sign_in()
    assert fixed.cookie != f"{COOKIE}=tfw_{'A' * 43}"
    first = fixed.cookie
    await fixed.sign_in()
    assert fixed.cookie != first
    fixed.cookie = first  # the earlier sign-in of this browser has ended
    assert (await fixed.ask("GET", "/api/v1/sessions")).status_code == 401


async def test_sign_out_kills_the_cookie_at_once_and_only_this_one(service: Service, browser: Browser) -> None:
    other = Browser(service)
    await other.sign_in()
    answer = await browser.ask("POST", "/api/v1/auth/sign-out")
    assert f"{COOKIE}=; Max-Age=0" in answer.headers["set-cookie"]
    assert (await browser.ask("GET", "/api/v1/sessions")).status_code == 401
    assert (await other.ask("GET", "/api/v1/sessions")).status_code == 200


async def test_a_new_password_ends_every_sign_in(service: Service, browser: Browser) -> None:
    other = Browser(service)
    await other.sign_in()
    new = "another long password"
    headers = {"cookie": browser.cookie, "origin": browser.origin, "x-csrf-token": browser.csrf}
    body = {"currentPassword": PASSWORD, "newPassword": new}
    service.http.cookies.clear()
    answer = await service.http.post("/api/v1/auth/password", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    for one in (browser, other):
        assert (await one.ask("GET", "/api/v1/sessions")).status_code == 401
    await browser.sign_in(new)
    assert (await browser.ask("GET", "/api/v1/sessions")).status_code == 200


async def test_a_sign_in_ends_by_itself(service: Service, browser: Browser) -> None:
    service.clock.ahead += 7 * 86400 - 60
    assert (await browser.ask("GET", "/api/v1/sessions")).status_code == 200
    service.clock.ahead += 120
    assert (await browser.ask("GET", "/api/v1/sessions")).status_code == 401


async def test_what_is_kept_is_no_cookie_and_a_cookie_is_no_token(service: Service, browser: Browser) -> None:
    secret = browser.cookie.partition("=")[2]
    for given in (secret, stored_hash(secret)):
        assert (await service.http.post("/auth/refresh", json={"refresh_token": given})).status_code == 401
        bearer = {"Authorization": f"Bearer {given}"}
        assert (await service.http.get("/auth/me", headers=bearer)).status_code == 401
    twice = f"{browser.cookie}; {COOKIE}=tfw_{'B' * 43}"
    assert_error(await browser.ask("GET", "/api/v1/sessions", cookie=twice), 400, "BAD_REQUEST")


async def test_a_header_outranks_the_cookie(browser: Browser) -> None:
    answer = await browser.ask("GET", "/api/v1/sessions", **{"x-api-key": "tfb_wrong"})
    assert answer.status_code == 401


async def test_wrong_passwords_are_throttled_as_any(service: Service) -> None:
    answers = [await service.http.post(SIGN_IN, json={**NAMED, "password": "wrong wrong"}) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {401, 429}


async def test_pages_are_the_dashboard_s_for_browsers_and_nothing_for_programs(service: Service) -> None:
    asks = {"accept": "text/html,*/*"}
    first = await service.http.get("/", headers=asks)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-cache"
    policy = first.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", first.text)
    for path in ("/sessions", "/chats/ses_1/5", "/webhooks"):
        assert (await service.http.get(path, headers=asks)).text == first.text
    again = await service.http.get("/", headers={**asks, "if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    for path in re.findall(r'(?:src|href)="(/assets/[^"]+)"', first.text):
        file = await service.http.get(path)
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/", "/sessions", "/assets/none.js", "/assets/..%2findex.html", "/no-page-of-ours"):
        assert (await service.http.get(path)).status_code == 404
    assert (await service.http.get("/no-page-of-ours", headers=asks)).status_code == 404
