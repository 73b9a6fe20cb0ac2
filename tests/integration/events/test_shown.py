"""Each type of event in each kind of chat, provoked at a data centre and found in the log.

docs/events.md is what this run shows: `python scripts/events.py` writes it, and here it is compared.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scripts import events as page
from tests.integration.events.cells import CELLS
from tests.integration.events.stage import KINDS, Cell, Stage
from tests.integration.events.test_following import Log, opened
from tests.integration.gateway.rig import rigged


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with rigged(tmp_path / "data") as rig:
        yield await opened(rig)


async def shown(stage: Stage, cell: Cell) -> list[page.Row]:
    await stage.forget()
    await cell.provoke(stage)
    rows = []
    for type_ in cell.types_in(stage.kind):
        told = await stage.next(type_)
        missing = [name for name in cell.data if type_ in cell.types and name not in told]
        assert not missing, (type_, missing, told)
        if cell.by == "the API":
            assert told.get("origin", "api") == "api"
        elif cell.by == "another device":
            assert told.get("origin", "device") == "device"
        rows.append(page.Row(type_, cell.by, stage.told_by.get(told["_id"], "the service itself")))
    return rows


@pytest.mark.parametrize("kind", KINDS)
async def test_what_happens_in_a_chat_is_told_as_the_page_says(log: Log, kind: str) -> None:
    stage = await Stage.set(log, kind)
    rows: list[page.Row] = []
    for cell in CELLS:
        if kind in cell.kinds:
            rows += await shown(stage, cell)
    section = page.section(kind, rows)
    if "TELEFLOW_EVENTS_SHOWN" in os.environ:
        page.note(Path(os.environ["TELEFLOW_EVENTS_SHOWN"]), kind, rows)
    else:
        assert section in page.PAGE.read_text("utf-8"), (
            "the page is not what the run shows: scripts/events.py writes it"
        )
