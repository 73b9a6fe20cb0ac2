"""Build the dashboard, or check that what is committed is what its sources give.

    python scripts/dashboard.py            write src/teleflow/api/static/dashboard
    python scripts/dashboard.py --check    check the types, build beside it, and compare

Needs Node and npm; who only runs the service does not. The types are made from openapi.json first.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
BUILT = ROOT / "src" / "teleflow" / "api" / "static" / "dashboard"


def npm(*arguments: str) -> None:
    # Nothing of the caller's mode may change what is built.
    environment = {**os.environ, "NODE_ENV": "production", "NO_UPDATE_NOTIFIER": "1"}
    subprocess.run(["npm", *arguments], cwd=WEB, env=environment, check=True)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def differences(made: Path) -> list[str]:
    names = files(made) | files(BUILT)
    same, _, _ = filecmp.cmpfiles(made, BUILT, names, shallow=False)
    return sorted(names - set(same))


def main() -> int:
    if shutil.which("npm") is None:
        print("npm is needed to build the dashboard")
        return 2
    npm("ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund")
    npm("run", "--silent", "types")
    if "--check" not in sys.argv[1:]:
        npm("run", "--silent", "build")
        return 0
    npm("run", "--silent", "check")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "dashboard"
        npm("run", "--silent", "build", "--", "--outDir", str(made), "--emptyOutDir", "--logLevel", "warn")
        different = differences(made)
    for name in different:
        print(f"differs from what web/ builds: {name}")
    print("the dashboard is current" if not different else "run scripts/dashboard.py")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
