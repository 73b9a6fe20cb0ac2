"""The machine, and what a process has used of it, as Linux tells it."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path


def facts() -> str:
    """One line for the head of every table."""
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({_model()}), Python {platform.python_version()}, "
        f"{platform.system()} {platform.release().split('-')[0]}, load {load}"
    )


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads that live now, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue  # a thread that ended meanwhile
    return total / 1e9


def cpu_seconds_of_all(pid: int) -> float:
    """CPU time of a process and of all that it started, those that have ended too; to a hundredth of a second."""
    used = sum(_times(pid))
    return used + sum(sum(_times(child)[:2]) for child in _children(pid))


def pin(pid: int, core: int) -> None:
    """A process that runs already, and those that it started."""
    for each in (pid, *_children(pid)):
        with suppress(OSError):  # one that has ended meanwhile
            for task in Path(f"/proc/{each}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})


def _times(pid: int) -> list[float]:
    """In user mode, in the kernel, and both of the children that were waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return [0.0] * 4  # it has ended, and is its parent's now
    return [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in fields[11:15]]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def core_wait_seconds(pid: int) -> float:
    """How long the process's first thread was ready to run and had no core, since it began."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9


def rss_kib(pid: int) -> int:
    """Memory of the process that is in RAM and not backed by a file: what sessions can make grow."""
    found = dict.fromkeys(("RssAnon", "RssShmem"), 0)
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0])
    return sum(found.values())
