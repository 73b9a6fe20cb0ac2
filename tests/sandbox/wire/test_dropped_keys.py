"""`auth.dropTempAuthKeys`: the temporary keys of a login end, but for those that are named."""

from __future__ import annotations

import struct

from telethon.tl import functions

from tests.sandbox.support.centre import NEAREST, Centre, sending
from tests.sandbox.support.raw import signed
from tests.sandbox.wire.test_keys import bound, temporary


async def test_temporary_keys_are_dropped_but_for_some(dc: Centre) -> None:
    permanent, kept, dropped = await signed(dc), await temporary(dc), await temporary(dc)
    stranger = await signed(dc)
    assert await bound(permanent, kept) is True
    assert await bound(permanent, dropped) is True
    spared = struct.unpack("<q", struct.pack("<Q", kept.key_id))[0]
    assert await permanent.call(functions.auth.DropTempAuthKeysRequest([spared])) is True
    assert dc.engine.gate.bindings.all_of(permanent.key_id) == (permanent.key_id, kept.key_id)
    await kept.call(sending(1))
    assert dc.methods.callers[-1].key_id == permanent.key_id
    dropped.send(NEAREST)
    assert (await dropped.closed())[-8:-4] == struct.pack("<i", -404)
    assert (await stranger.call(NEAREST)).this_dc == 2
