"""Passwords of users: hashed with argon2id, in a few threads, behind a short queue.

Promises: a password counts in full up to 1,024 bytes, as it was written (no Unicode folding); bcrypt hashes
of older installations verify, and a replacement is offered; checking a name that nobody has costs as much as
checking one that exists; the event loop is never held up, and a flood of logins is turned away early.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import bcrypt
from pwdlib.hashers.argon2 import Argon2Hasher

from teleflow.errors import Invalid, Unavailable

MOST_BYTES = 1024
BCRYPT_BYTES = 72  # bcrypt has never seen more of a password than this
_BCRYPT_MARKS = ("$2a$", "$2b$", "$2y$")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`replacement` is a newer hash of the same password, to be stored when there is one."""

    right: bool
    replacement: str | None = None


class Passwords:
    """Hashes and verifies. `workers` threads at once, `waiting` callers in the queue; more are told to come back."""

    def __init__(self, *, workers: int = 2, waiting: int = 64) -> None:
        self._argon2 = Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="passwords")
        self._free = asyncio.Semaphore(workers)
        self._waiting = 0
        self._most_waiting = waiting
        self._nobody: str | None = None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Raises Invalid for what is no password, Unavailable when too many are waiting."""
        encoded = encode(password)
        async with self._turn():
            return await self._thread(partial(self._argon2.hash, encoded))

    async def verify(
        self, password: str, stored: str | None, *, still_allowed: Callable[[], None] = lambda: None
    ) -> Verdict:
        """Compare with the stored hash; `stored` is None for a user that does not exist, which costs the same.

        `still_allowed` is asked when a thread is free: it raises when the caller is no longer welcome.
        """
        encoded = encode(password)
        async with self._turn():
            still_allowed()
            return await self._thread(partial(self._judge, encoded, stored))

    def _judge(self, password: bytes, stored: str | None) -> Verdict:
        if stored is None:
            self._argon2.verify(password, self._hash_of_nobody())
            return Verdict(right=False)
        if stored.startswith(_BCRYPT_MARKS):
            right = _bcrypt_matches(password, stored)
            return Verdict(right, self._argon2.hash(password) if right else None)
        if not self._argon2.verify(password, stored):
            return Verdict(right=False)
        stale = self._argon2.check_needs_rehash(stored)
        return Verdict(right=True, replacement=self._argon2.hash(password) if stale else None)

    def _hash_of_nobody(self) -> str:
        if self._nobody is None:
            self._nobody = self._argon2.hash(b"the password of nobody")
        return self._nobody

    async def _thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= self._most_waiting:
            raise Unavailable("Too many logins at once", code="BUSY", retry_after=1)
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


def encode(password: str) -> bytes:
    """The bytes that are hashed. Raises Invalid when there are too many, or when they are no text."""
    try:
        encoded = password.encode()
    except UnicodeEncodeError as error:
        raise Invalid("The password is no valid Unicode text", details={"field": "password"}) from error
    if len(encoded) > MOST_BYTES:
        raise Invalid(f"A password has at most {MOST_BYTES} bytes", details={"field": "password"})
    return encoded


def check_new_password(password: str, *, shortest: int) -> str:
    """Return the password that may be set. Raises Invalid."""
    encode(password)
    if len(password) < shortest:
        raise Invalid(f"A password has at least {shortest} characters", details={"field": "password"})
    return password


def _bcrypt_matches(password: bytes, stored: str) -> bool:
    try:
        return bcrypt.checkpw(password[:BCRYPT_BYTES], stored.encode())
    except ValueError:  # a damaged hash, or a NUL where this bcrypt takes none
        return False
