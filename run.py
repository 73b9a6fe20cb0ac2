#!/usr/bin/env python3
"""From a fresh checkout to a running TeleFlow, with nothing but Python.

    python3 run.py               a running demo: data centre, gateway, people who answer
    python3 run.py test [ARGS]   the whole test suite (ARGS go to pytest)
    python3 run.py prove [NAME] [--long] [--seed N]
    python3 run.py bench [NAME]
    python3 run.py ANYTHING      the `teleflow` command with these arguments

It keeps a virtual environment of its own in `.venv` beside this file, filled from the hash-locked lists
`requirements*.txt` by uv where uv is found, else by pip. It says what it does on stderr only: stdout belongs
to the program that it starts. This file must be readable by old Pythons, so that they get a sentence and no
syntax error, and imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

try:
    import fcntl
except ImportError:  # Windows: two first starts at once are not kept apart there
    fcntl = None

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
# The marker of a finished environment is written last; the other one tells an interrupted build from a
# virtual environment that somebody made by hand, which is used and never thrown away while it works.
READY = VENV / ".teleflow-ready"
BUILDING = VENV / ".teleflow-building"
LOCK = ROOT / ".venv.lock"
LISTS = {"run": ROOT / "requirements.txt", "dev": ROOT / "requirements-dev.txt"}
# Settings of the caller's shell that would make the environment reach out of itself.
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "UV_SYSTEM_PYTHON", "UV_TARGET", "UV_PREFIX")
# Images of Python often set this one: each start would compile some four hundred files anew.
SLOW = ("PYTHONDONTWRITEBYTECODE",)


def say(line: str) -> None:
    print("run.py: " + line, file=sys.stderr, flush=True)


def give_up(line: str) -> NoReturn:
    say(line)
    sys.exit(1)


def main(arguments: list[str]) -> None:
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        give_up(f"TeleFlow needs Python 3.11 or newer; this is {found} ({sys.executable}).")
    word, rest = (arguments[0], arguments[1:]) if arguments else ("demo", [])
    prepare("dev" if word in ("test", "prove", "bench") else "run")
    if word == "test":
        # One more than the cores keeps them busy while a test waits; whoever names tests decides alone.
        workers = str(min(8, 1 + (os.cpu_count() or 1)))
        start(
            ["-m", "pytest", "-p", "tests.support.skips", *(rest or ["-n", workers, "--dist", "worksteal"])],
            at_root=True,
        )
    elif word in ("prove", "bench"):
        start(["-m", "proofs", word, *rest], at_root=True)
    else:
        # -P: what lies in the caller's directory is data, never a module of ours.
        start(["-P", "-m", "teleflow", word, *rest], at_root=False)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN + SLOW}
    kept["PIP_USER"] = "0"
    kept["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return kept


def start(arguments: list[str], *, at_root: bool) -> NoReturn:
    """Become the program: its signals, its output and its exit code are the caller's."""
    command = [str(PYTHON), *arguments]
    if at_root:
        os.chdir(ROOT)
    if os.name != "nt":
        os.execve(command[0], command, environment())
    child = subprocess.Popen(command, env=environment())
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # the console sends it to the child too
            sys.exit(child.wait())


# What stands, and what should


def wanted(level: str) -> dict[str, str]:
    """What an environment for `level` is made from: a change of any of it means installing again."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (ROOT / "pyproject.toml", *LISTS.values()):
        digest.update(path.read_bytes())
    # A base Python that was replaced under the environment leaves its packages in a folder nobody reads.
    digest.update(os.path.realpath(str(PYTHON)).encode())
    return {"level": level, "of": digest.hexdigest()}


def ready(level: str) -> bool:
    try:
        marker = json.loads(READY.read_text())
        return PYTHON.exists() and marker in (wanted(level), wanted("dev"))
    except (OSError, ValueError):
        return False


def works() -> bool:
    """Whether the environment's Python starts and finds its own packages' folder."""
    probe = "import sys, sysconfig, os; sys.exit(not os.path.isdir(sysconfig.get_path('purelib')))"
    try:
        return not subprocess.call([str(PYTHON), "-c", probe], env=environment(), stderr=subprocess.DEVNULL)
    except OSError:
        return False


# Making it so


def prepare(level: str) -> None:
    if ready(level):
        return
    try:
        with alone():
            if not ready(level):  # somebody else may have done it while we waited
                build(level)
    except KeyboardInterrupt:
        say("stopped; the next start carries on.")
        sys.exit(130)
    except OSError as error:
        give_up(f"cannot make the environment in {VENV}: {error}.")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    with LOCK.open("w") as held:
        if fcntl:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another start is setting up; waiting for it.")
                fcntl.flock(held, fcntl.LOCK_EX)
        # Installers hold the lock with us: one that outlives a killed run.py is waited for, not worked against.
        os.set_inheritable(held.fileno(), True)
        yield


def build(level: str) -> None:
    if BUILDING.exists() or not works():
        throw_away()
    for tool in (uv(), "pip"):
        if tool and install(tool, level):
            READY.write_text(json.dumps(wanted(level)))
            BUILDING.unlink(missing_ok=True)
            say("ready.")
            return
    give_up(
        "the packages could not be installed (the reason stands above). "
        "If this machine has no way to a package index, connect it and start again."
    )


def throw_away() -> None:
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)


def uv() -> str | None:
    return shutil.which("uv")


def install(tool: str, level: str) -> bool:
    say(f"setting up .venv with {Path(tool).name} (once; about a minute) ...")
    if tool == "pip":
        base = [str(PYTHON), "-m", "pip", "install", "-qq"]
        if PYTHON.exists() and not quiet([str(PYTHON), "-m", "pip", "--version"]):
            if uv():
                return False  # what uv made, only uv can mend
            throw_away()
    else:
        base = [tool, "pip", "install", "-q", "--python", str(PYTHON), *uv_cache()]
    new = not PYTHON.exists()
    VENV.mkdir(exist_ok=True)
    if new or READY.exists():
        BUILDING.touch()
    READY.unlink(missing_ok=True)
    # The lists hold the build backend too: the project itself is linked in without fetching anything.
    itself = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    done = (
        (not new or create(tool))
        and call([*base, "--require-hashes", "-r", str(LISTS[level])])
        and call([*base, *itself])
    )
    if not done:
        # An installer that says no leaves whole packages behind, unlike one that is killed.
        throw_away() if new else BUILDING.unlink(missing_ok=True)
    return done


def create(tool: str) -> bool:
    if tool != "pip":
        return call([tool, "venv", "-q", "--allow-existing", "--python", sys.executable, *uv_cache(), str(VENV)])
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        throw_away()
        give_up(
            "this Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv "
            "(with sudo where needed); or put uv on the PATH. Then start again."
        )
    return call([sys.executable, "-m", "venv", str(VENV)])


def uv_cache() -> list[str]:
    """uv fails where its cache cannot be written; then it works without one."""
    try:
        home = os.environ.get("UV_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "uv")
        cache = Path(home).expanduser()
        cache.mkdir(parents=True, exist_ok=True)
        return [] if os.access(str(cache), os.W_OK) else ["--no-cache"]
    except (OSError, RuntimeError):  # read-only, or no home at all
        return ["--no-cache"]


def call(command: list[str]) -> bool:
    # stdout is the program's: what an installer prints there goes to stderr.
    return not subprocess.call(command, env=environment(), stdout=sys.stderr, cwd=str(ROOT), close_fds=False)


def quiet(command: list[str]) -> bool:
    try:
        return not subprocess.call(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return False


if __name__ == "__main__":
    main(sys.argv[1:])
