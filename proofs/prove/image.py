"""The Dockerfile's own steps give a service that runs as another user on a tree it cannot write, answers on PORT,
is found well by the image's own health check, and ends with 0 when it is stopped.

No container engine takes part: the steps are carried out in a folder, in which this machine's Python stands for the
base image. Both forms are the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from proofs.image import dockerfile
from proofs.image.building import Builder, Image, runs
from proofs.outcome import Outcome
from proofs.process import ROOT, free_port

SHORT = LONG = None
READY_WITHIN = 60.0
STOP_WITHIN = 40.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def run(_size: None, _seed: int) -> Outcome:
    return await asyncio.to_thread(_prove)


def _prove() -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        stages = dockerfile.read(ROOT / "Dockerfile")
        builder = Builder(ROOT, folder, user=_user(stages[-1]))
        image = [builder.build(stage) for stage in stages][-1]
        for stage in stages[:-1]:
            shutil.rmtree(folder / (stage.name or ""))  # the last stage has to do without
        outcome.exactly("stages", 2, len(stages))
        outcome.exactly("steps carried out", sum(len(stage.steps) for stage in stages), len(builder.told))
        outcome.fact("seconds for them", f"{sum(seconds for _, seconds in builder.told):.0f}")
        _judge_what_is_in_it(outcome, image)
        _judge_the_run(outcome, image)
    return outcome


def _user(stage: dockerfile.Stage) -> int:
    return int(stage.last("USER").text.partition(":")[0])


def _judge_what_is_in_it(outcome: Outcome, image: Image) -> None:
    site = next(image.root.glob("app/venv/lib/python*/site-packages"))
    there = {path.name.partition("-")[0].lower().replace("_", "-") for path in site.glob("*.dist-info")}
    text = (ROOT / "requirements.txt").read_text()
    locked = {
        one.lower().replace("_", "-").replace(".", "-") for one in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)
    }
    outcome.exactly("packages that requirements.txt does not lock", 0, len(there - locked - {"teleflow"}))
    outcome.exactly("packages for building among them", 0, len(there & {"pip", "setuptools", "hatchling", "wheel"}))
    outcome.fact("packages", len(there))
    outcome.fact("size of it", f"{sum(one.lstat().st_size for one in image.root.rglob('*')) / 2**20:,.0f} MB")
    outcome.exactly("tests, proofs, sources of the checkout in it", 0, len(_strangers(image.root)))
    outcome.exactly(
        "modules of ours left out", 0, len(_modules(ROOT / "src" / "teleflow") - _modules(site / "teleflow"))
    )
    broken = subprocess.run(
        [image.root / "app/venv/bin/python", "-c", _UNMET],
        capture_output=True,
        text=True,
        env=image.environment(building=False),
        check=False,
    )
    outcome.exactly("requirements that are not met", 0, len(broken.stdout.splitlines()) + broken.returncode)


_UNMET = """
import importlib.metadata as m
from packaging.requirements import Requirement
there = {d.metadata['Name'].lower().replace('_', '-').replace('.', '-'): d.version for d in m.distributions()}
for d in m.distributions():
    for line in d.requires or ():
        r = Requirement(line)
        name = r.name.lower().replace('_', '-').replace('.', '-')
        here = not r.marker or r.marker.evaluate({'extra': ''})
        if here and not r.specifier.contains(there.get(name, '0'), prereleases=True):
            print(d.metadata['Name'], line, there.get(name))
"""


def _strangers(root: Path) -> set[str]:
    mine = {path.relative_to(root).parts[1] for path in root.glob("app/*")}
    return (mine - {"venv", "data"}) | {path.name for path in root.iterdir() if path.name not in {"app", ".cache"}}


def _modules(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in {".py", ".js", ".html"}}


def _judge_the_run(outcome: Outcome, image: Image) -> None:
    number = _user(image.stage)
    data = image.root / "app/data"
    as_other = os.geteuid() == 0 and runs(image.root / "app/venv/bin/python", number)
    if as_other:
        for path in (data, *data.rglob("*")):
            os.chown(path, number, number)
    user = {"user": number, "group": number, "extra_groups": []} if as_other else {}
    before = _told(image.root, data)
    port = free_port()
    env = image.environment(building=False) | {"PORT": str(port), "HOME": str(image.root / "app")}
    command = [*image.stage.last("ENTRYPOINT").words(), *image.stage.last("CMD").words()]
    command[0] = str(image.root / "app/venv/bin" / command[0])
    log = image.root.parent / "log"
    began = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=image.at(image.stage.last("WORKDIR").text), env=env, stdout=file, stderr=file, **user
        )
    try:
        answer = _answer(f"http://127.0.0.1:{port}/health", process)
        outcome.at_most("seconds until GET /health answers on PORT", READY_WITHIN, time.monotonic() - began)
        outcome.exactly("status of it", 200, answer)
        owner = Path(f"/proc/{process.pid}").stat().st_uid if Path(f"/proc/{process.pid}").exists() else number
        if as_other:
            outcome.exactly("user that the service runs as", number, owner)
        else:
            outcome.fact(
                "user that the service runs as", f"{owner}: another one needs root, and a Python that it can reach"
            )
        check = image.stage.last("HEALTHCHECK").text.partition("CMD ")[2]
        asked = subprocess.run(
            [str(image.root / "app/venv/bin" / json.loads(check)[0]), *json.loads(check)[1:]],
            env=env,
            cwd=image.root / "app",
            capture_output=True,
            timeout=60,
            check=False,
            **user,
        )
        outcome.exactly("exit code of the image's health check", 0, asked.returncode)
        process.send_signal(getattr(signal, image.stage.last("STOPSIGNAL").text))
        began = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WITHIN)
        outcome.at_most("seconds that the stop takes", STOP_WITHIN, time.monotonic() - began)
        outcome.exactly("exit code of the service", 0, -999 if process.returncode is None else process.returncode)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    outcome.exactly(
        "files outside of /app/data that changed", 0, len(set(before.items()) ^ set(_told(image.root, data).items()))
    )
    outcome.at_least("files in /app/data", 3, sum(path.is_file() for path in data.rglob("*")))
    loose = [path for path in data.rglob("*") if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    outcome.exactly("secrets that others can read", 0, sum("secrets" in path.parts for path in loose))
    if not outcome.holds:
        outcome.notes.append(log.read_text("utf-8", "replace")[-1500:])


def _told(root: Path, without: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of everything but what is in one folder."""
    found = {}
    for path in root.rglob("*"):
        if path != without and without not in path.parents:
            facts = path.lstat()
            found[str(path)] = (facts.st_size, facts.st_mtime_ns) if path.is_file() else (0, 0)
    return found


def _answer(url: str, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with _OPENER.open(url, timeout=5) as answer:
                return int(answer.status)
        except OSError:
            time.sleep(0.2)
    return 0
