"""Logging in, staying in, getting out: over HTTP, with real hashes and rows."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from proofs import rows
from teleflow.config import Secrets
from tests.integration.api.rig import FORM, PASSWORD, Service, assert_error, running


async def test_login_gives_the_pair_that_clients_know(service: Service) -> None:
    told = await service.login()
    assert set(told) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert told["token_type"] == "bearer"
    assert told["expires_in"] == 1800


async def test_multipart_form_is_taken_like_an_urlencoded_one(service: Service) -> None:
    fields = {"username": (None, "admin"), "password": (None, PASSWORD)}
    answer = await service.http.post("/auth/login", files=fields)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ("username=admin", FORM, 422, "VALIDATION_ERROR"),
        ("password=x", FORM, 422, "VALIDATION_ERROR"),
        ("username=admin&password=wrong", FORM, 401, "UNAUTHORIZED"),
        ("username=nobody&password=wrong", FORM, 401, "UNAUTHORIZED"),
        ("username=a%00b&password=wrong", FORM, 401, "UNAUTHORIZED"),
        ("username=admin&username=eve&password=x", FORM, 422, "VALIDATION_ERROR"),
        ("username=admin&password=%ff%fe", FORM, 422, "VALIDATION_ERROR"),
        ("username=admin&password=%ED%A0%80", FORM, 422, "VALIDATION_ERROR"),
        ("username=admin&password=" + "x" * 1025, FORM, 422, "VALIDATION_ERROR"),
        ("username=admin&password=" + "x" * 1_000_000, FORM, 422, "VALIDATION_ERROR"),
        ("&".join(f"a{n}=1" for n in range(5000)), FORM, 400, "BAD_REQUEST"),
        ('{"username":"admin","password":"x"}', {"content-type": "application/json"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("username=admin&password=x", {}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_bad_logins_have_their_answers(
    service: Service, body: str, headers: dict[str, str], status: int, code: str
) -> None:
    assert_error(await service.http.post("/auth/login", content=body, headers=headers), status, code)


async def test_wrong_name_and_wrong_password_read_the_same(service: Service) -> None:
    one = await service.http.post("/auth/login", data={"username": "admin", "password": "wrong"})
    two = await service.http.post("/auth/login", data={"username": "nobody", "password": "wrong"})
    first, second = one.json(), two.json()
    first["error"].pop("requestId"), second["error"].pop("requestId")
    assert first == second
    assert one.headers["www-authenticate"] == two.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("length", [72, 73, 100, 1000, 1024])
async def test_a_password_counts_in_full(service: Service, length: int) -> None:
    password = "p" * (length - 1) + "q"
    await service.user("john", password)
    near_miss = await service.http.post("/auth/login", data={"username": "john", "password": "p" * (length - 1) + "r"})
    assert_error(near_miss, 401, "UNAUTHORIZED")


async def test_unicode_forms_of_a_password_are_different_passwords(service: Service) -> None:
    await service.user("john", "caf\u00e9 caf\u00e9")
    other = await service.http.post("/auth/login", data={"username": "john", "password": "cafe\u0301 cafe\u0301"})
    assert_error(other, 401, "UNAUTHORIZED")


async def test_refresh_rotates_and_the_old_token_is_dead(service: Service) -> None:
    first = await service.login()
    answer = await service.http.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert answer.status_code == 200
    second = answer.json()
    assert set(second) == set(first)
    headers = {"Authorization": f"Bearer {second['access_token']}"}
    assert (await service.http.get("/auth/me", headers=headers)).status_code == 200

    reused = await service.http.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert_error(reused, 401, "UNAUTHORIZED")
    # A token that came back was in two hands: its whole login is gone.
    assert_error(await service.http.get("/auth/me", headers=headers), 401, "UNAUTHORIZED")
    dead = await service.http.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})
    assert_error(dead, 401, "UNAUTHORIZED")


async def test_of_parallel_refreshes_one_wins_and_nobody_is_harmed(service: Service) -> None:
    token = (await service.login())["refresh_token"]
    others = await service.bearer()
    await asyncio.gather(*(service.http.get("/version") for _ in range(30)))  # connections stand
    answers = await asyncio.gather(
        *(service.http.post("/auth/refresh", json={"refresh_token": token}) for _ in range(30))
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [401] * 29
    winner = next(answer for answer in answers if answer.status_code == 200).json()
    again = await service.http.post("/auth/refresh", json={"refresh_token": winner["refresh_token"]})
    assert again.status_code == 200, "the winner's family must live"
    assert (await service.http.get("/auth/me", headers=others)).status_code == 200


async def test_logout_ends_the_login_at_once_and_can_be_repeated(service: Service) -> None:
    pair, other = await service.login(), await service.bearer()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert (await service.http.get("/auth/me", headers=headers)).status_code == 200
    for _ in range(2):
        answer = await service.http.post("/auth/logout", json={"refresh_token": pair["refresh_token"]})
        assert answer.status_code == 200
        assert "message" in answer.json()
        assert_error(await service.http.get("/auth/me", headers=headers), 401, "UNAUTHORIZED")
    unknown = await service.http.post("/auth/logout", json={"refresh_token": "never issued"})
    assert unknown.status_code == 200
    assert (await service.http.get("/auth/me", headers=other)).status_code == 200


async def test_logout_all_ends_every_login_of_the_caller_only(service: Service) -> None:
    john, john_too = await service.user(), await service.bearer("john", "john's password")
    admin = await service.bearer()
    assert (await service.http.post("/auth/logout-all", headers=john)).status_code == 200
    for headers in (john, john_too):
        assert_error(await service.http.get("/auth/me", headers=headers), 401, "UNAUTHORIZED")
    assert (await service.http.get("/auth/me", headers=admin)).status_code == 200


async def test_what_another_process_ends_is_over_within_a_second(service: Service) -> None:
    headers = await service.user()
    assert (await service.http.get("/auth/me", headers=headers)).status_code == 200
    user = await service.storage.user_named("john")
    assert user is not None
    await service.storage.end_logins(user.id)  # behind the service's back
    service.clock.ahead += 1.0
    assert_error(await service.http.get("/auth/me", headers=headers), 401, "UNAUTHORIZED")


async def test_a_token_outlives_neither_its_time_nor_its_user(service: Service) -> None:
    headers = await service.user()
    admin = await service.bearer()
    assert (await service.http.get("/auth/me", headers=headers)).status_code == 200
    assert (await service.http.delete("/users/john", headers=admin)).status_code == 200
    assert_error(await service.http.get("/auth/me", headers=headers), 401, "UNAUTHORIZED")
    await service.user()  # the same name again
    assert_error(await service.http.get("/auth/me", headers=headers), 401, "UNAUTHORIZED")
    service.clock.ahead += 1801
    assert_error(await service.http.get("/auth/me", headers=admin), 401, "UNAUTHORIZED")


async def test_an_expired_refresh_token_is_refused(service: Service) -> None:
    pair = await service.login()
    service.clock.ahead += 7 * 86400 + 1
    answer = await service.http.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert_error(answer, 401, "UNAUTHORIZED")


async def test_a_refresh_token_is_no_access_token_and_the_other_way(service: Service) -> None:
    pair = await service.login()
    headers = {"Authorization": f"Bearer {pair['refresh_token']}"}
    assert_error(await service.http.get("/auth/me", headers=headers), 401, "UNAUTHORIZED")
    answer = await service.http.post("/auth/refresh", json={"refresh_token": pair["access_token"]})
    assert_error(answer, 401, "UNAUTHORIZED")


async def test_tokens_of_the_older_service_stay_good(service: Service) -> None:
    """Its refresh tokens are JWTs of its own secret, known by their SHA-256 alone."""
    from teleflow.kit.clock import milliseconds
    from teleflow.model.users import Login, RefreshToken
    from teleflow.services.tokens import sha256

    old = jwt.encode({"sub": "admin", "type": "refresh", "exp": 2**31}, "the older service's own weak secret..")
    admin = await service.storage.user_named("admin")
    assert admin is not None
    now = milliseconds(service.clock.time())
    later = now + 86_400_000
    await service.storage.add_login(
        Login("lgn_old", admin.id, now, later), RefreshToken(sha256(old), "lgn_old", admin.id, now, later)
    )
    assert (await service.http.post("/auth/refresh", json={"refresh_token": old})).status_code == 200


async def test_forged_tokens_are_refused(service: Service) -> None:
    """Attack rows A02 and A04."""
    secret = Secrets.load(service.settings).jwt_secret
    good = (await service.login())["access_token"]
    claims = jwt.decode(good, secret, algorithms=["HS256"], audience="teleflow.access")
    forged = [
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, secret, algorithm="HS512"),
        jwt.encode(claims, "another secret of at least 32 characters", algorithm="HS256"),
        *(
            jwt.encode(claims, secret, algorithm="HS256", headers={name: value})
            for name, value in {
                "kid": "../../dev/null",
                "jku": "http://127.0.0.1:9/keys",
                "x5u": "http://127.0.0.1:9/",
                "jwk": {"kty": "oct", "k": "AAAA"},
                "crit": ["exp"],
                "b64": False,
            }.items()
        ),
        *(
            jwt.encode({**claims, name: value}, secret, algorithm="HS256")
            for name, value in [
                ("exp", str(claims["exp"])),
                ("exp", float(claims["exp"])),
                ("exp", 1e308),
                ("exp", True),
                ("exp", None),
                ("exp", claims["iat"] - 1),
                ("nbf", 2**31),
                ("sub", 7),
                ("sub", "usr_somebody_else"),
                ("sid", ["x"]),
                ("sid", "lgn_unknown"),
                ("aud", "teleflow.refresh"),
                ("aud", ["teleflow.access"]),
                ("iat", "now"),
            ]
        ),
        *(
            jwt.encode({key: value for key, value in claims.items() if key != gone}, secret, algorithm="HS256")
            for gone in ("exp", "sub", "sid", "aud", "jti", "iat")
        ),
        good[:-1],
        good + "A",
        "A" * 65536,
        "..",
        "a.b.c",
    ]
    for token in forged:
        started = time.perf_counter()
        answer = await service.http.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in {401, 431}, (token[:80], answer.text)
        assert time.perf_counter() - started < 0.5
    assert (await service.http.get("/auth/me", headers={"Authorization": f"Bearer {good}"})).status_code == 200


async def test_who_is_asking_is_said_once_and_in_the_right_form(service: Service) -> None:
    """Attack row A12."""
    token = (await service.login())["access_token"]
    for value, status in [
        (f"Bearer {token}", 200),
        (f"bearer {token}", 200),
        (f"Bearer  {token}", 401),
        (f"Token {token}", 401),
        ("Bearer", 401),
        ("Basic Og==", 401),
        (token, 401),
    ]:
        answer = await service.http.get("/auth/me", headers={"Authorization": value})
        assert answer.status_code == status, value
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert_error(await service.http.get("/auth/me", headers=twice), 400, "BAD_REQUEST")
    both = {"Authorization": f"Bearer {token}", "X-API-Key": "tfb_" + "0" * 64}
    assert_error(await service.http.get("/auth/me", headers=both), 400, "BAD_REQUEST")
    assert_error(await service.http.get(f"/auth/me?access_token={token}"), 401, "UNAUTHORIZED")


async def test_swagger_clients_that_add_basic_credentials_can_log_in(service: Service) -> None:
    answer = await service.http.post(
        "/auth/login",
        data={"grant_type": "password", "username": "admin", "password": PASSWORD, "scope": ""},
        headers={"Authorization": "Basic Og=="},
    )
    assert answer.status_code == 200


async def test_guessing_is_slowed_down_and_the_owner_gets_in(tmp_path: Path) -> None:
    """Attack row A05, from one address: few guesses are looked at, and a right password at a known address is."""
    async with running(tmp_path) as service:
        await service.login()  # this address is the admin's from now on
        answers = await asyncio.gather(
            *(service.http.post("/auth/login", data={"username": "john", "password": f"g{n}"}) for n in range(60))
        )
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(answers) - len(refused) <= 8, "five free guesses, and as many as were being compared"
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        await service.login()


async def test_many_logins_at_once_are_bounded_and_the_rest_told_to_wait(service: Service) -> None:
    """Attack row A08."""
    form = {"username": "admin", "password": PASSWORD}
    # A hundred hashes take long where others work beside them: what is bounded is their number, not the time.
    answers = await asyncio.gather(*(service.http.post("/auth/login", data=form, timeout=90) for _ in range(100)))
    codes = {answer.status_code for answer in answers}
    assert codes <= {200, 429, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= 60
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code != 200)


async def test_a_bcrypt_hash_of_the_older_service_works_and_is_renewed(service: Service) -> None:
    import bcrypt

    await service.user()
    user = await service.storage.user_named("john")
    assert user is not None
    for mark in (b"$2b$", b"$2a$", b"$2y$"):
        old = bcrypt.hashpw(b"an old password", bcrypt.gensalt(4)).replace(b"$2b$", mark).decode()
        await service.storage.set_password(user.id, old, end_logins=False)
        await service.login("john", "an old password")
        renewed = await service.storage.user_named("john")
        assert renewed is not None
        assert renewed.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        await service.login("john", "an old password")
        wrong = await service.http.post("/auth/login", data={"username": "john", "password": "an old passwort"})
        assert_error(wrong, 401, "UNAUTHORIZED")
        await service.login("john", "an old password")


async def test_no_token_lies_in_the_database(service: Service) -> None:
    """Attack row K01."""
    pair = await service.login()
    await service.user(telegram_api_id=1234567, telegram_api_hash="feedfacefeedfacefeedfacefeedface")
    secrets = (pair["access_token"], pair["refresh_token"], PASSWORD, "feedfacefeedfacefeedfacefeedface")
    files = [path for path in service.folder.rglob("*") if path.is_file() and "secrets" not in path.parts]
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, path
    url = service.settings.database
    stored = {table: await rows.rows(url, table) for table in await rows.tables(url)}
    assert len(stored["users"]) == 2
    for secret in secrets:
        assert secret not in str(stored)


async def test_a_use_that_comes_while_another_is_being_decided_harms_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several tabs of one browser: the second one comes some milliseconds later."""
    token = (await service.login())["refresh_token"]
    waiting, decide = asyncio.Semaphore(0), asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.release()
        await decide.wait()

    monkeypatch.setattr(service.services.auth, "_clock", Paused(service.clock, sleep))
    uses = []
    for _ in range(2):
        uses.append(asyncio.create_task(service.http.post("/auth/refresh", json={"refresh_token": token})))
        await asyncio.wait_for(waiting.acquire(), 5)
    decide.set()
    answers = await asyncio.gather(*uses)
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    winner = next(answer for answer in answers if answer.status_code == 200).json()
    again = await service.http.post("/auth/refresh", json={"refresh_token": winner["refresh_token"]})
    assert again.status_code == 200


async def test_a_password_that_changes_while_it_is_compared_gives_no_login(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.user()
    user = await service.storage.user_named("john")
    assert user is not None
    real = service.services.passwords.verify

    async def verify(*arguments: Any, **named: Any) -> Any:
        verdict = await real(*arguments, **named)
        await service.storage.set_password(user.id, "another hash", end_logins=True)
        return verdict

    monkeypatch.setattr(service.services.passwords, "verify", verify)
    answer = await service.http.post("/auth/login", data={"username": "john", "password": "john's password"})
    assert_error(answer, 401, "UNAUTHORIZED")
    assert await service.storage.end_logins(user.id) == []
    monkeypatch.setattr(service.services.passwords, "verify", gone(service, real))
    await service.storage.set_password(user.id, user.password_hash, end_logins=True)
    answer = await service.http.post("/auth/login", data={"username": "john", "password": "john's password"})
    assert_error(answer, 401, "UNAUTHORIZED")


def gone(service: Service, real: Any) -> Any:
    """Verify, and delete the user meanwhile."""

    async def verify(*arguments: Any, **named: Any) -> Any:
        verdict = await real(*arguments, **named)
        user = await service.storage.user_named("john")
        assert user is not None
        await service.storage.delete_user(user.id)
        return verdict

    return verify


class Paused:
    """A clock whose sleep is the test's."""

    def __init__(self, clock: Any, sleep: Any) -> None:
        self.time, self.monotonic, self.sleep = clock.time, clock.monotonic, sleep
