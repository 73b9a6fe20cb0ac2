"""`teleflow doctor`: is everything there that the service needs, and what to do where it is not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from teleflow.cli.output import say


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one object for programs")] = False,
) -> None:
    """Check what the service needs on this machine, and say what to do.

    Looks at native modules, the clock (by the data centre's), limits, settings, secrets and their files, the disk,
    the database, and whether the data centre can be reached and has the right key. Ends with 1 when something must be
    mended.
    """
    from teleflow.cli.examination import examine

    findings = asyncio.run(examine())
    failed = any(finding.level == "fail" for finding in findings)
    if as_json:
        say(json.dumps({"ok": not failed, "findings": [asdict(finding) for finding in findings]}, ensure_ascii=False))
    else:
        for finding in findings:
            say(str(finding))
    if failed:
        raise typer.Exit(1)
