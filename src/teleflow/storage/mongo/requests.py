"""Requests with an Idempotency-Key that are no sends: one claim, one answer, sealed."""

from __future__ import annotations

from teleflow.storage.base import Begun, Claimed, StoredAnswer
from teleflow.storage.common.answers import opened_answer, sealed_answer
from teleflow.storage.mongo.part import Part, key, require_user
from teleflow.storage.mongo.sends import key_document, release
from teleflow.storage.mongo.tx import Tx

_KEYS = "idempotency_keys"


class Requests(Part):
    async def begin_request(
        self, user_id: str, key: str, fingerprint: str, *, node: str, lease_until: int, now: int
    ) -> Claimed | Begun | StoredAnswer:
        near = [("users", user_id), (_KEYS, _id(user_id, key))]
        found = await self._db.write_near(near, _begin, user_id, key, fingerprint, node, lease_until, now)
        return found if isinstance(found, Begun | Claimed) else opened_answer(self._seal, user_id, key, found)

    async def finish_request(self, user_id: str, key: str, answer: StoredAnswer | None, *, node: str) -> None:
        sealed = None if answer is None else sealed_answer(self._seal, user_id, key, answer)
        id_ = _id(user_id, key)
        await self._db.write_near([(_KEYS, id_)], _finish, id_, node, sealed)

    async def release_requests(self, *, except_node: str) -> int:
        given_up = 0
        while some := await self._db.write_heavy(release, _KEYS, {}, except_node):
            given_up += some
        return given_up


def _id(user_id: str, idempotency_key: str) -> str:
    return key(user_id, idempotency_key)


async def _begin(
    tx: Tx, user_id: str, idempotency_key: str, fingerprint: str, node: str, until: int, now: int
) -> Claimed | Begun | bytes:
    await require_user(tx, user_id)
    id_ = _id(user_id, idempotency_key)
    lease = {"lease_node": node, "lease_until": until}
    found = await tx.get(_KEYS, id_)
    if found is None:
        tx.put(_KEYS, key_document(user_id, idempotency_key, fingerprint, now) | lease)
        return Claimed(now)
    if found["fingerprint"] != fingerprint or found["job_id"] is not None:
        return Begun.OTHER
    if found["answer"] is not None:
        return bytes(found["answer"])
    if found["lease_until"] is not None and found["lease_until"] > now:
        return Begun.RUNNING
    await tx.change(_KEYS, id_, lease)
    return Claimed(found["created_at"], again=True)


async def _finish(tx: Tx, id_: str, node: str, sealed: bytes | None) -> None:
    found = await tx.get(_KEYS, id_)
    if found is None or found["lease_node"] != node:
        return
    if sealed is None:
        await tx.remove(_KEYS, id_)
    else:
        await tx.change(_KEYS, id_, {"answer": sealed, "lease_node": None, "lease_until": None})
