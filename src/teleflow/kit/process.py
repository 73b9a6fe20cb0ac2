"""Settings of the whole process: for whoever owns it, never for a library inside of another's.

Knows neither what the process serves nor how.
"""

from __future__ import annotations

import gc
import signal
import sys
from contextlib import suppress

import structlog

if sys.platform != "win32":
    import resource

_log = structlog.get_logger(__name__)


def start_quickly() -> None:
    """Before the modules come in: hardly anything of them dies, and looking for it costs a tenth of the start.

    `tune_for_a_busy_loop` ends it.
    """
    gc.disable()


def run_briefly() -> None:
    """For a command that is soon through: the collector looks seldom. It does look: some work on a whole database."""
    gc.set_threshold(50_000, 20, 50)


def end_quickly() -> None:
    """Nothing more is to be done: what is left goes with the process, and is not looked through for what is dead."""
    gc.freeze()


def tune_for_a_busy_loop() -> None:
    """For a busy event loop with a few threads beside it; to be called when everything has been set up.

    The collector: what stands after the start stays (of what died in it, less than a hundredth is for the collector,
    and looking for that would cost a tenth of the start), and what a request makes mostly dies by itself; the
    standard thresholds cost a twelfth of each send. The lock: a thread that comes back from the disk asks for it after
    50 µs, not after 5 ms, which beside a loop of many short turns is never.
    """
    sys.setswitchinterval(5e-5)
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


def raise_file_limit(few: int = 0) -> None:
    """Each session is a socket: take as many files as the system lets us. Fewer than `few` are told in the log."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < few:
        _log.warning("limits.few_files", nofile=hard)


def end_this() -> None:
    """End the process in good order: as if its operator had asked for it."""
    signal.raise_signal(signal.SIGTERM)
