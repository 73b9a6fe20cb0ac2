"""How sessions present themselves and which way they take; the proxy and the api_hash are sealed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from teleflow.kit.seal import Seal
from teleflow.model.proxies import proxy_of
from teleflow.model.sessions import Device, Profile
from teleflow.storage import bindings
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, has_session, one
from teleflow.storage.sql.statement import Statement, Tx, given

_p = t.session_profiles.c
_insert = insert(t.session_profiles)
_SAVE = Statement(
    _insert.on_conflict_do_update(
        index_elements=[_p.session_id],
        set_={column.name: _insert.excluded[column.name] for column in _p if not column.primary_key},
    )
)
_LOAD = Statement(select(_p.device, _p.proxy, _p.api_id, _p.api_hash).where(_p.session_id == given("this")))


def row_of(seal: Seal, session_id: str, profile: Profile) -> dict[str, Any]:
    row: dict[str, Any] = {
        "session_id": session_id,
        "device": json.dumps(dataclasses.asdict(profile.device), ensure_ascii=False),
        "proxy": None,
        "api_id": None,
        "api_hash": None,
    }
    if profile.proxy is not None:
        row["proxy"] = seal.seal(json.dumps(profile.proxy.to_fields()).encode(), *bindings.profile(session_id, "proxy"))
    if profile.api is not None:
        row["api_id"] = profile.api[0]
        row["api_hash"] = seal.seal(profile.api[1].encode(), *bindings.profile(session_id, "api_hash"))
    return row


class Profiles(Part):
    async def profile(self, session_id: str) -> Profile | None:
        row = await self._db.read(one, _LOAD, this=session_id)
        if row is None:
            return None
        device, proxy, api_id, api_hash = row
        way = proxy_of(json.loads(self._seal.open(proxy, *bindings.profile(session_id, "proxy")))) if proxy else None
        api = (
            (api_id, self._seal.open(api_hash, *bindings.profile(session_id, "api_hash")).decode())
            if api_hash
            else None
        )
        return Profile(Device(**json.loads(device)), way, api)

    async def save_profile(self, session_id: str, profile: Profile) -> None:
        await self._db.write(_save_known, row_of(self._seal, session_id, profile))


async def save(tx: Tx, row: dict[str, Any]) -> None:
    await tx.run(_SAVE, **row)


async def _save_known(tx: Tx, row: dict[str, Any]) -> None:
    if await has_session(tx, row["session_id"]):
        await save(tx, row)
