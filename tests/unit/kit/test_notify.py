"""systemd hears that we are ready, alive and about to stop; without it nothing happens."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from teleflow.config import manager
from teleflow.kit.notify import Notify
from teleflow.kit.tasks import Tasks


class Naps:
    """Sleeps end when the test says so."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self.over = asyncio.Semaphore(0)

    def time(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.asked.put_nowait(seconds)
        await self.over.acquire()


def ear(address: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(address)
    made.setblocking(False)
    return made


def test_lines_reach_the_socket_that_is_named(tmp_path: Path) -> None:
    with ear(str(tmp_path / "notify")) as socket_:
        Notify(str(tmp_path / "notify")).tell("READY=1", "STATUS=there")
        assert socket_.recv(100) == b"READY=1\nSTATUS=there"


def test_an_abstract_socket_is_found_by_its_at_sign() -> None:
    name = f"teleflow-test-{os.getpid()}"
    with ear(f"\0{name}") as socket_:
        Notify(f"@{name}").tell("STOPPING=1")
        assert socket_.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("address", [None, "", "/nowhere/at/all"])
def test_a_manager_that_is_not_there_is_no_failure(address: str | None) -> None:
    Notify(address).tell("READY=1")


async def test_the_watchdog_hears_of_us_twice_in_its_time(tmp_path: Path) -> None:
    clock, tasks = Naps(), Tasks("test")
    with ear(str(tmp_path / "notify")) as socket_:
        tasks.start(Notify(str(tmp_path / "notify")).stay_alive(60, clock), "watchdog")
        for _ in range(3):
            assert await clock.asked.get() == 30
            assert socket_.recv(100) == b"WATCHDOG=1"
            with pytest.raises(BlockingIOError):
                socket_.recv(100)
            clock.over.release()
        await tasks.close()


def test_what_the_manager_wants_stands_in_the_environment() -> None:
    asked = manager({"NOTIFY_SOCKET": "/run/it", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())})
    assert (asked.address, asked.watchdog_s) == ("/run/it", 30)
    assert manager({"WATCHDOG_USEC": "30000000"}).watchdog_s == 30
    for nothing in ({}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}):
        assert (manager(nothing).address, manager(nothing).watchdog_s) == (None, None)
