"""Regenerate or check the hash-locked requirement lists.

    python scripts/lock.py [--upgrade]   write requirements.txt and requirements-dev.txt (needs uv)
    python scripts/lock.py --check       compare them with pyproject.toml, offline

The lists name versions and hashes for every platform and no index, so they are good behind any mirror. They
hold the build backend too, so that linking the project in fetches nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LISTS = {"requirements.txt": ("tracing",), "requirements-dev.txt": ("dev", "tracing")}
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def backend() -> list[str]:
    # hatchling asks for `editables` only when it builds an editable wheel, so it is nobody's dependency.
    return [*project()["build-system"]["requires"], "editables>=0.5"]


def wanted(extras: tuple[str, ...]) -> list[str]:
    table = project()["project"]
    return [
        *backend(),
        *table["dependencies"],
        *(line for extra in extras for line in table["optional-dependencies"][extra]),
    ]


def problems() -> list[str]:
    """What stands in pyproject.toml and not in the lists, and what must not stand in a list."""
    found = []
    for name, extras in LISTS.items():
        text = (ROOT / name).read_text()
        pins = {canonicalize_name(match["name"]): match["version"] for match in PIN.finditer(text)}
        for line in wanted(extras):
            asked = Requirement(line)
            pinned = pins.get(canonicalize_name(asked.name))
            if pinned is None or not asked.specifier.contains(pinned, prereleases=True):
                found.append(f"{name}: {line} is locked at {pinned}; run scripts/lock.py")
        if "://" in text or "--index" in text or "--extra-index" in text:
            found.append(f"{name}: names an index")
    return found


def write(upgrade: list[str]) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:") or shutil.which("uv")
    if uv is None:
        sys.exit("scripts/lock.py needs uv (pip install uv)")
    for name, extras in LISTS.items():
        command = [uv, "pip", "compile", "-q", "pyproject.toml", "-", "-o", name, *upgrade]
        command += ["--generate-hashes", "--no-header", "--no-emit-index-url", "--universal"]
        command += ["--python-version", "3.11", *(part for extra in extras for part in ("--extra", extra))]
        subprocess.run(command, cwd=ROOT, check=True, input="\n".join(backend()), text=True, stdout=subprocess.DEVNULL)


def main(arguments: list[str]) -> None:
    if "--check" not in arguments:
        write([flag for flag in arguments if flag == "--upgrade"])
    found = problems()
    print("\n".join(found) if found else "the locks agree with pyproject.toml")
    sys.exit(bool(found))


if __name__ == "__main__":
    main(sys.argv[1:])
