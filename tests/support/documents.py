"""Reads the runnable blocks of a document, and runs them as a reader would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(sh|js|python) run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STAND_IN = Path(__file__).with_name("curl.py")


def blocks(page: Path, language: str) -> list[str]:
    """The blocks marked `<language> run`, in order."""
    return [text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language]


# What a reader does between two blocks: look at the phone. The last code of the account is in $CODE then.
LOOK = (
    'CODE=$("$PYTHON" -c \'import json, sys, urllib.request as u; '
    'print((json.load(u.build_opener(u.ProxyHandler({})).open(sys.argv[1])) or {}).get("code", ""))\' '
    '"$CONTROL/accounts/$PHONE/code" 2>/dev/null || true)'
)


def shell(page: Path, values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """All `sh run` blocks of the page in one shell, as they stand.

    Only this is added: an error answer of the service ends the script, and between two blocks the reader's eye
    takes the login code from the phone. A machine without curl gets a stand-in that knows the few options used.
    """
    curl = "command curl --fail-with-body" if shutil.which("curl") else f'"$PYTHON" "{STAND_IN}"'
    script = "\n".join(
        [
            "set -euo pipefail",
            f'curl() {{ {curl} "$@"; }}',
            *(f"{LOOK}\n{text}\necho" for text in blocks(page, "sh")),
        ]
    )
    return run(["bash", "-c", script], {**values, "PYTHON": sys.executable})


def javascript(page: Path, values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """All `js run` blocks in Node, with the page's address given as a browser would have it."""
    given = "".join(f"const {name} = {value!r};\n" for name, value in values.items())
    script = (
        (
            f"{given}"
            "globalThis.location = { origin: URL };\n"
            "const plain = globalThis.fetch;\n"
            "globalThis.fetch = async (path, options) => {\n"
            "  const answer = await plain(new URL(path, URL_), options);\n"
            "  console.log(answer.status, await answer.clone().text());\n"
            "  if (!answer.ok) process.exit(1);\n"
            "  return answer;\n"
            "};\n" + "\n".join(blocks(page, "js"))
        )
        .replace("const URL =", "const URL_ =")
        .replace("origin: URL }", "origin: URL_ }")
    )
    return run(["node", *_older_node(), "--input-type=module", "--eval", script], {})


def _older_node() -> list[str]:
    """What Node needs to have WebSocket as browsers do."""
    asked = "process.allowedNodeEnvironmentFlags.has('--experimental-websocket')"
    known = run(["node", "--print", f"typeof WebSocket === 'undefined' && {asked}"], {}).stdout.strip()
    return ["--experimental-websocket"] if known == "true" else []


def run(command: list[str], values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, **values, "NO_PROXY": "*", "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
