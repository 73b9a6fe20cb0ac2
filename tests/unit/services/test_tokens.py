from __future__ import annotations

import hashlib

import jwt
import pytest

from teleflow.errors import Unauthenticated
from teleflow.services.tokens import Tokens
from tests.unit.services.clocks import ManualClock

ACCESS, REFRESH = "a" * 40, "r" * 40


def tokens(clock: ManualClock, algorithm: str = "HS256", refresh: str = REFRESH) -> Tokens:
    return Tokens(
        clock, access_secret=ACCESS, refresh_secret=refresh, algorithm=algorithm, access_life=60, refresh_life=600
    )


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_an_access_token_is_good_until_its_second(algorithm: str) -> None:
    clock = ManualClock(1_800_000_000.9)
    made = tokens(clock, algorithm)
    token = made.access("usr_1", "lgn_1")
    claims = made.read_access(token)
    assert (claims.user_id, claims.login_id, claims.expires_at) == ("usr_1", "lgn_1", 1_800_000_060)
    clock.now = 1_800_000_059.9
    made.read_access(token)
    clock.now = 1_800_000_060.0
    with pytest.raises(Unauthenticated):
        made.read_access(token)


def test_only_the_configured_algorithm_is_read() -> None:
    clock = ManualClock()
    for one in ("HS256", "HS384", "HS512"):
        token = tokens(clock, one).access("u", "l")
        for other in ("HS256", "HS384", "HS512"):
            if one != other:
                with pytest.raises(Unauthenticated):
                    tokens(clock, other).read_access(token)


def test_two_tokens_of_one_second_differ() -> None:
    made = tokens(ManualClock())
    assert made.access("u", "l") != made.access("u", "l")
    assert made.refresh() != made.refresh()


def test_a_refresh_token_is_known_by_its_sha256() -> None:
    made = tokens(ManualClock())
    token = made.refresh()
    assert made.check_refresh(token) == hashlib.sha256(token.encode()).hexdigest()


def test_a_refresh_token_says_nothing_of_its_owner() -> None:
    claims = jwt.decode(tokens(ManualClock()).refresh(), options={"verify_signature": False})
    assert set(claims) == {"aud", "exp", "iat", "jti"}


def test_tokens_of_the_older_service_and_opaque_ones_are_known_by_their_hash_alone() -> None:
    made = tokens(ManualClock())
    for old in (jwt.encode({"sub": "admin", "type": "refresh"}, "its own secret" * 3), "opaque", "a.b.c"):
        assert made.check_refresh(old) == hashlib.sha256(old.encode()).hexdigest()


def test_a_new_refresh_secret_ends_our_own_tokens() -> None:
    clock = ManualClock()
    token = tokens(clock).refresh()
    with pytest.raises(Unauthenticated):
        tokens(clock, refresh="another secret, as long as it must be").check_refresh(token)


@pytest.mark.parametrize("text", ["x" * 5000, "é", "\ud800"])
def test_what_cannot_be_a_token_is_refused(text: str) -> None:
    made = tokens(ManualClock())
    with pytest.raises(Unauthenticated):
        made.check_refresh(text)
    with pytest.raises(Unauthenticated):
        made.read_access(text)


def test_the_signature_is_that_of_the_secret_as_it_was_given() -> None:
    token = tokens(ManualClock()).access("u", "l")
    options = {"verify_iat": False}
    claims = jwt.decode(token, ACCESS, algorithms=["HS256"], audience="teleflow.access", options=options)
    assert claims["sub"] == "u"
