from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from teleflow.errors import Invalid, Unavailable
from teleflow.services.passwords import Passwords, check_new_password


@pytest.fixture
async def passwords() -> Iterator[Passwords]:
    made = Passwords(workers=1, waiting=2)
    yield made
    made.close()


async def test_parameters_are_those_that_were_chosen(passwords: Passwords) -> None:
    assert (await passwords.hash("secret")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("password", ["x", "x" * 73, "x" * 1024, "a\x00b", "é" * 512, "😀" * 256, " leading"])
async def test_a_password_counts_to_its_last_byte(passwords: Passwords, password: str) -> None:
    stored = await passwords.hash(password)
    assert (await passwords.verify(password, stored)).right
    assert not (await passwords.verify(password[:-1], stored)).right
    if len(password.encode()) < 1024:
        assert not (await passwords.verify(password + "\x00", stored)).right


@pytest.mark.parametrize("password", ["x" * 1025, "é" * 513, "\ud800", "a\udfffb"])
async def test_what_is_no_password_is_invalid(passwords: Passwords, password: str) -> None:
    with pytest.raises(Invalid):
        await passwords.hash(password)
    with pytest.raises(Invalid):
        await passwords.verify(password, None)


async def test_nobody_s_password_is_compared_all_the_same(passwords: Passwords) -> None:
    compared = []
    real = passwords._argon2.verify
    passwords._argon2.verify = lambda *args: compared.append(args) or real(*args)  # type: ignore[method-assign]
    assert not (await passwords.verify("secret", None)).right
    assert not (await passwords.verify("the password of nobody", None)).right, "even when it is guessed"
    assert len(compared) == 2
    assert all("m=19456,t=2,p=1" in stored for _, stored in compared)


async def test_older_hashes_verify_and_a_replacement_is_offered(passwords: Passwords) -> None:
    import bcrypt
    from pwdlib.hashers.argon2 import Argon2Hasher

    for old in (
        bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode(),
        Argon2Hasher(memory_cost=8192, time_cost=1, parallelism=1).hash("secret"),
    ):
        verdict = await passwords.verify("secret", old)
        assert verdict.right
        assert verdict.replacement is not None
        assert (await passwords.verify("secret", verdict.replacement)) == type(verdict)(right=True)
        assert await passwords.verify("wrong", old) == type(verdict)(right=False)


async def test_a_long_password_of_a_bcrypt_user_still_works_and_is_then_kept_whole(passwords: Passwords) -> None:
    import bcrypt

    password = "x" * 100
    old = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()  # as the older service cut it
    verdict = await passwords.verify(password, old)
    assert verdict.right
    assert verdict.replacement is not None
    assert not (await passwords.verify("x" * 99, verdict.replacement)).right


@pytest.mark.parametrize("stored", ["", "$2b$", "$2b$04$short", "$argon2id$nonsense", "plain", "$2b$99$" + "a" * 53])
async def test_a_damaged_hash_fits_no_password(passwords: Passwords, stored: str) -> None:
    assert not (await passwords.verify("secret", stored)).right


async def test_too_many_at_once_are_sent_away(passwords: Passwords) -> None:
    release, busy = threading.Event(), threading.Event()
    passwords._argon2.hash = lambda *_: (busy.set(), release.wait(10), "hash")[2]  # type: ignore[method-assign]
    running = [asyncio.create_task(passwords.hash("a")) for _ in range(3)]
    await asyncio.to_thread(busy.wait, 10)
    with pytest.raises(Unavailable) as refused:
        await passwords.hash("one too many")
    assert refused.value.retry_after == 1
    release.set()
    assert await asyncio.gather(*running) == ["hash"] * 3


async def test_whoever_waited_is_asked_again_whether_they_may(passwords: Passwords) -> None:
    def no_longer() -> None:
        raise Unavailable("no longer")

    compared = []
    passwords._argon2.verify = lambda *args: compared.append(args)  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await passwords.verify("secret", "$argon2id$", still_allowed=no_longer)
    assert not compared


def test_a_new_password_has_a_least_length() -> None:
    assert check_new_password("12345678", shortest=8) == "12345678"
    with pytest.raises(Invalid):
        check_new_password("1234567", shortest=8)
