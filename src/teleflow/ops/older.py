"""What the older multi-tenant sender has in the database of this installation, told or taken by a command."""

from __future__ import annotations

from teleflow.config import Settings
from teleflow.errors import Invalid
from teleflow.ops.keyring import refuse_unadmitted
from teleflow.ops.opened import opened
from teleflow.storage.base.adoption import OlderDatabase, OlderReport, OlderStore
from teleflow.storage.opening import open_database

_NOT_THERE = "FILE: name the older full gateway's SQLite file (only MongoDB holds the other one's data)"


async def told(settings: Settings) -> OlderReport:
    """What would be taken. Needs no installation and makes none. Raises Invalid where it can be no such database."""
    database = open_database(settings.database)
    if not isinstance(database, OlderDatabase):
        raise Invalid(_NOT_THERE)
    return await database.older()


async def adopted(settings: Settings) -> OlderReport:
    """What a start of the service takes too. Raises Invalid where it can be no such database."""
    async with opened(settings) as at:
        if not isinstance(at.storage, OlderStore):
            raise Invalid(_NOT_THERE)
        await refuse_unadmitted(at.storage, at.seal)
        return await at.storage.adopt_older()
