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


def shell(page: Path, values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """All `sh run` blocks of the page in one shell, as they stand.

    The only thing added is that an error answer of the service ends the script. A machine without curl gets a
    stand-in that knows the few options the documents use.
    """
    curl = "command curl --fail-with-body" if shutil.which("curl") else f'"{sys.executable}" "{STAND_IN}"'
    script = "\n".join(
        [
            "set -euo pipefail",
            f'curl() {{ {curl} "$@"; }}',
            # Output of one command must not run into the next one's: the blocks print JSON without an end of line.
            *(f"{text}\necho" for text in blocks(page, "sh")),
        ]
    )
    return run(["bash", "-c", script], values)


def javascript(page: Path, values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """All `js run` blocks in Node, with the page's address given as a browser would have it."""
    given = "".join(f"const {name} = {value!r};\n" for name, value in values.items())
    script = (
        f"{given}"
        "const plain = globalThis.fetch;\n"
        "globalThis.fetch = async (path, options) => {\n"
        "  const answer = await plain(new URL(path, URL_), options);\n"
        "  console.log(answer.status, await answer.clone().text());\n"
        "  if (!answer.ok) process.exit(1);\n"
        "  return answer;\n"
        "};\n" + "\n".join(blocks(page, "js"))
    ).replace("const URL =", "const URL_ =")
    return run(["node", "--input-type=module", "--eval", script], {})


def run(command: list[str], values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, **values, "NO_PROXY": "*", "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
