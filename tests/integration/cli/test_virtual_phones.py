"""The demo's virtual phones against the data centre itself."""

from __future__ import annotations

import pytest

from teleflow.cli.virtual_phones import DemoPhones
from teleflow.errors import Invalid, NotFound
from teleflow.sandbox.embedded import Sandbox
from teleflow.services.virtual_phones import TROUBLES

ALICE, BOB = "+15550100001", "+15550100002"


async def test_people_write_and_make_trouble_and_a_wrong_wish_is_an_error_of_ours() -> None:
    sandbox = Sandbox(people=3)
    await sandbox.start()
    try:
        box = DemoPhones(sandbox)
        assert [one.phone for one in box.phones()][:2] == [ALICE, BOB]
        await box.write(BOB, ALICE, "Hello")
        (line,) = box.lines(ALICE, after=0, limit=10)
        assert (line.sender, line.to, line.text) == (BOB, ALICE, "Hello")
        assert box.lines(ALICE, after=line.number, limit=10) == []
        for kind in TROUBLES:
            await box.trouble(kind, 1)
        assert box.faults() >= 2
        await box.end_troubles()
        assert box.faults() == 0
        with pytest.raises(NotFound):
            box.lines("+1999", after=0, limit=10)
        with pytest.raises(NotFound):
            await box.scan(ALICE, None)
        with pytest.raises(Invalid):
            await box.scan(ALICE, "no link of ours")
    finally:
        await sandbox.stop()
