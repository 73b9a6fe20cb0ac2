"""How sessions present themselves and which way they take; the proxy and the api_hash are sealed."""

from __future__ import annotations

import dataclasses
import json

from teleflow.kit.seal import Seal
from teleflow.model.proxies import proxy_of
from teleflow.model.sessions import Device, Profile
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, get, has_session
from teleflow.storage.mongo.tx import Tx


def doc_of(seal: Seal, session_id: str, profile: Profile) -> Doc:
    doc: Doc = {
        "_id": session_id,
        "session_id": session_id,
        "device": json.dumps(dataclasses.asdict(profile.device), ensure_ascii=False),
        "proxy": None,
        "api_id": None,
        "api_hash": None,
    }
    if profile.proxy is not None:
        doc["proxy"] = seal.seal(json.dumps(profile.proxy.to_fields()).encode(), *_binding(session_id, "proxy"))
    if profile.api is not None:
        doc["api_id"] = profile.api[0]
        doc["api_hash"] = seal.seal(profile.api[1].encode(), *_binding(session_id, "api_hash"))
    return doc


class Profiles(Part):
    async def profile(self, session_id: str) -> Profile | None:
        doc = await self._db.read(get, "session_profiles", session_id)
        if doc is None:
            return None
        proxy, api_id, api_hash = doc["proxy"], doc["api_id"], doc["api_hash"]
        way = proxy_of(json.loads(self._seal.open(proxy, *_binding(session_id, "proxy")))) if proxy else None
        api = (api_id, self._seal.open(api_hash, *_binding(session_id, "api_hash")).decode()) if api_hash else None
        return Profile(Device(**json.loads(doc["device"])), way, api)

    async def save_profile(self, session_id: str, profile: Profile) -> None:
        await self._db.write(_save_known, doc_of(self._seal, session_id, profile))


async def _save_known(tx: Tx, doc: Doc) -> None:
    if await has_session(tx, doc["_id"]):
        tx.put("session_profiles", doc)


def _binding(session_id: str, column: str) -> tuple[str, str, str]:
    return "session_profiles", session_id, column
