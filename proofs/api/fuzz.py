"""schemathesis, unmodified, in a process of its own, against the running service.

It draws requests from the OpenAPI document, right ones and wrong ones, and checks each answer: no 5xx but those that
are documented, statuses, content types, headers and bodies as declared, wrong data refused, access asked for.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.process import ROOT

WITHIN = 600.0
CONFIG = """\
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 502, 503, 504]
positive_data_acceptance.expected-statuses = ["2xx", 304, 400, 401, 403, 404, 409, 412, 416, 422, 429, 502, 503, 504]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 416, 422, 429]
"""
"""A document can't say all that makes a value right (a chat that is spelled right, a text that is more than spaces)."""


@dataclass(frozen=True, slots=True)
class Round:
    """One run: who asks, and what. `only` and `without` are operation ids."""

    name: str
    headers: Mapping[str, str]
    ids: Mapping[str, Sequence[Any]]
    examples: int
    only: Sequence[str] = ()
    without: Sequence[str] = ()


@dataclass(slots=True)
class Fuzzed:
    """What came of the rounds. `statuses`: answers by status and, for 5xx, their code. `done`: what was done, too."""

    covered: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


async def fuzz(url: str, folder: Path, rounds: Sequence[Round], seed: int) -> Fuzzed:
    """All rounds at once. Raises RuntimeError where schemathesis itself fails."""
    found = Fuzzed()
    for events in await asyncio.gather(*(_round(url, folder / one.name, one, seed) for one in rounds)):
        await asyncio.to_thread(_read, found, events)
    return found


async def _round(url: str, folder: Path, one: Round, seed: int) -> Path:
    await asyncio.to_thread(folder.mkdir, parents=True)
    await asyncio.to_thread((folder / "schemathesis.toml").write_text, CONFIG)
    events = folder / "events.ndjson"
    out = await _run([*_command(one, url, seed), "--report-ndjson-path", str(events)], folder, one.ids)
    if not await asyncio.to_thread(events.exists):
        raise RuntimeError(f"schemathesis, {one.name}: {out[-1500:]}")
    return events


def _command(one: Round, url: str, seed: int) -> list[str]:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"]
    command += ["run", f"{url}/openapi.json", "--phases", "examples,coverage,fuzzing"]
    command += ["--max-examples", str(one.examples), "--seed", str(seed), "--checks", "all"]
    command += [
        "--continue-on-failure",
        "--no-shrink",
        "--generation-with-security-parameters",
        "false",
        "--generation-database",
        "none",
    ]
    command += ["--suppress-health-check", "all", "--request-timeout", "60", "--no-color", "--report", "ndjson"]
    for name, value in one.headers.items():
        command += ["--header", f"{name}: {value}"]
    for operation in one.only:
        command += ["--include-operation-id", operation]
    for operation in one.without:
        command += ["--exclude-operation-id", operation]
    return command


async def _run(command: Sequence[str], folder: Path, ids: Mapping[str, Sequence[Any]]) -> str:
    """What it prints. Raises RuntimeError for an end that is neither "all is well" nor "something was found"."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    env = {**os.environ, "PYTHONPATH": path, "SCHEMATHESIS_HOOKS": "proofs.api.hooks", "PROOF_IDS": json.dumps(ids)}
    child = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(WITHIN):
            out, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    text = out.decode("utf-8", "replace")
    if child.returncode not in {0, 1}:
        raise RuntimeError(f"schemathesis: {text[-1500:]}")
    return text


def _read(found: Fuzzed, events: Path) -> None:
    with events.open(encoding="utf-8") as lines:
        for line in lines:
            for kind, told in json.loads(line).items():
                if kind == "ScenarioFinished":
                    _scenario(found, told["recorder"])
                elif kind in {"NonFatalError", "FatalError"}:
                    found.findings.append(f"{kind}: {json.dumps(told)[:300]}")


def _scenario(found: Fuzzed, recorder: Mapping[str, Any]) -> None:
    interactions = recorder.get("interactions", {})
    if interactions:
        found.covered.add(recorder["label"])
    for number, interaction in interactions.items():
        response = interaction["response"]
        if response is None:
            found.findings.append(f"{recorder['label']}: no answer")
            continue
        found.requests += 1
        found.statuses[_named(response)] += 1
        request = interaction["request"]
        if 200 <= response["status_code"] < 300 and recorder["label"].startswith(request["method"]):
            found.done.add(recorder["label"])
        for check in recorder.get("checks", {}).get(number, ()):
            if check["status"] != "failure":
                continue
            failure = check["failure_info"]["failure"]
            asked = f"{request['method']} {request['uri'].split('/', 3)[-1]} {_text(request.get('body'))}"
            found.findings.append(f"{recorder['label']}: {failure['title']}: {failure['message']}: {asked}")


def _named(response: Mapping[str, Any]) -> str:
    """The status, and of a 5xx its code too."""
    status = str(response["status_code"])
    if not status.startswith("5"):
        return status
    try:
        return f"{status} {json.loads(_text(response['content']))['error']['code']}"
    except (ValueError, KeyError):
        return status


def _text(held: Any) -> str:
    raw = held.get("$base64", "") if isinstance(held, dict) else ""
    return base64.b64decode(raw).decode("utf-8", "replace")
