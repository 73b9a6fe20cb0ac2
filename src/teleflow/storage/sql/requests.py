"""Requests with an Idempotency-Key that are no sends: one claim, one answer, sealed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.storage.base import Begun, Claimed, StoredAnswer
from teleflow.storage.common.answers import opened_answer, sealed_answer
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, require_user, run
from teleflow.storage.sql.statement import Statement, Tx, given

_k = t.idempotency_keys.c
_MINE = and_(_k.user_id == given("of_user"), _k.key == given("this"))
_HELD = and_(_MINE, _k.lease_node == given("of_node"))
_CLAIM = Statement(
    insert(t.idempotency_keys)
    .values(
        {name: given(name) for name in ("user_id", "key", "fingerprint", "lease_node", "lease_until", "created_at")}
    )
    .on_conflict_do_nothing()
)
_FOUND = Statement(select(_k.fingerprint, _k.job_id, _k.answer, _k.created_at).where(_MINE))
_TAKE_OVER = Statement(
    update(t.idempotency_keys)
    .values(lease_node=given("of_node"), lease_until=given("until"))
    .where(_MINE, _k.answer.is_(None), or_(_k.lease_until.is_(None), _k.lease_until <= given("now")))
)
_ANSWER = Statement(
    update(t.idempotency_keys).values(answer=given("new_answer"), lease_node=None, lease_until=None).where(_HELD)
)
_GIVE_BACK = Statement(delete(t.idempotency_keys).where(_HELD))
_RELEASE = Statement(
    update(t.idempotency_keys)
    .values(lease_node=None, lease_until=0)
    .where(_k.lease_node.is_not(None), _k.lease_node != given("of_node"))
)


class Requests(Part):
    async def begin_request(
        self, user_id: str, key: str, fingerprint: str, *, node: str, lease_until: int, now: int
    ) -> Claimed | Begun | StoredAnswer:
        claim = {
            "user_id": user_id,
            "key": key,
            "fingerprint": fingerprint,
            "lease_node": node,
            "lease_until": lease_until,
            "created_at": now,
        }
        found = await self._db.write(_begin, claim)
        return found if isinstance(found, Begun | Claimed) else opened_answer(self._seal, user_id, key, found)

    async def finish_request(self, user_id: str, key: str, answer: StoredAnswer | None, *, node: str) -> None:
        if answer is None:
            await self._db.write(run, _GIVE_BACK, of_user=user_id, this=key, of_node=node)
            return
        sealed = sealed_answer(self._seal, user_id, key, answer)
        await self._db.write(run, _ANSWER, of_user=user_id, this=key, of_node=node, new_answer=sealed)

    async def release_requests(self, *, except_node: str) -> int:
        return await self._db.write_heavy(run, _RELEASE, of_node=except_node)


async def _begin(tx: Tx, claim: dict[str, Any]) -> Claimed | Begun | bytes:
    user_id, key = str(claim["user_id"]), claim["key"]
    await require_user(tx, user_id)
    if await tx.run(_CLAIM, **claim):
        return Claimed(claim["created_at"])
    found = await tx.one(_FOUND, of_user=user_id, this=key)
    if found is None or found[0] != claim["fingerprint"] or found[1] is not None:
        return Begun.OTHER
    if found[2] is not None:
        return bytes(found[2])
    values = {"of_node": claim["lease_node"], "until": claim["lease_until"], "now": claim["created_at"]}
    taken = await tx.run(_TAKE_OVER, of_user=user_id, this=key, **values)
    return Claimed(found[3], again=True) if taken else Begun.RUNNING
