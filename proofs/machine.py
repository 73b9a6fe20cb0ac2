"""The machine, and what a process has used of it, as Linux tells it."""

from __future__ import annotations

import os
import platform
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


def rss_kib(pid: int) -> int:
    """Memory of the process that is in RAM and not backed by a file: what sessions can make grow."""
    found = dict.fromkeys(("RssAnon", "RssShmem"), 0)
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0])
    return sum(found.values())
