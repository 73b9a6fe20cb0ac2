"""Keys, the audit log and idempotent requests, as every database keeps them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from teleflow.errors import Conflict, NotFound
from teleflow.kit.ids import new_id
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.keys import ApiKey
from teleflow.model.users import Role, Scope, User
from teleflow.storage.base import Begun, Claimed, Storage, StoredAnswer

from .rig import HOUR, NOW, a_login, a_user, stored_user


def a_stored_key(user: User, **changes: Any) -> ApiKey:
    id_ = new_id("key")
    key = ApiKey(id_, user.id, "shop", f"hash of {id_}", "tfb_1234", Scope.WRITE.included, None, None, False, NOW, None)
    return dataclasses.replace(key, **changes)


def an_entry(user: User, action: Act = Act.KEY_CREATED, **changes: Any) -> AuditEntry:
    entry = AuditEntry(action.value, NOW, user.id, user.id, user.username, "target", {"a": ["ü"]}, "::1", "req")
    return dataclasses.replace(entry, **changes)


async def told(storage: Storage) -> list[str]:
    return [entry.action for entry in await storage.audit_entries(limit=100)]


async def test_a_key_comes_back_as_it_was(storage: Storage) -> None:
    user, stranger = await stored_user(storage), await stored_user(storage)
    key = a_stored_key(
        user, session_ids=frozenset({"ses_a", "ses_b"}), rate_limit=5, expires_at=NOW + HOUR, by_login=True
    )
    assert await storage.add_key(key, most=5, now=NOW) == []
    assert await storage.key(user.id, key.id) == key
    assert await storage.key(stranger.id, key.id) is None
    assert await storage.key_of_hash(key.hash) == key.id
    assert await storage.key_of_hash("none") is None
    assert await storage.key_login(key.id, now=NOW + HOUR - 1) == (key, user)
    assert await storage.key_login(key.id, now=NOW + HOUR) is None
    assert not await storage.remove_key(stranger.id, key.id)
    assert await storage.remove_key(user.id, key.id)
    assert await storage.key_login(key.id, now=NOW) is None


async def test_of_parallel_creates_at_the_limit_one_is_made(storage: Storage) -> None:
    user = await stored_user(storage)
    for _ in range(4):
        await storage.add_key(a_stored_key(user), most=5, now=NOW)
    await storage.add_key(a_stored_key(user, expires_at=NOW), most=9, now=NOW)  # over, and not counted
    results = await asyncio.gather(
        *[storage.add_key(a_stored_key(user), most=5, now=NOW) for _ in range(50)], return_exceptions=True
    )
    assert results.count([]) == 1
    assert all(isinstance(result, Conflict) and result.code == "TOO_MANY_KEYS" for result in results if result != [])
    with pytest.raises(NotFound):
        await storage.add_key(a_stored_key(a_user()), most=5, now=NOW)


async def test_a_login_s_key_takes_the_place_of_the_least_used(storage: Storage) -> None:
    user = await stored_user(storage)
    keys = [a_stored_key(user, by_login=True, created_at=NOW + number) for number in range(3)]
    program = a_stored_key(user, created_at=0)
    for key in (program, *keys):
        await storage.add_key(key, most=3, now=NOW)
    await storage.note_key_uses({keys[0].id: NOW + HOUR, "key_none": NOW})
    await storage.note_key_uses({keys[0].id: NOW})
    assert await storage.add_key(a_stored_key(user, by_login=True), most=3, now=NOW, replace=True) == [keys[1].id]
    left = {key.id: key for key in await storage.keys(user.id, limit=10)}
    assert program.id in left
    assert left[keys[0].id].last_used_at == NOW + HOUR


async def test_keys_are_paged_newest_first(storage: Storage) -> None:
    user = await stored_user(storage)
    keys = [a_stored_key(user) for _ in range(3)]
    for key in keys:
        await storage.add_key(key, most=9, now=NOW)
    first = await storage.keys(user.id, limit=2)
    rest = await storage.keys(user.id, limit=2, after=first[-1].id)
    assert [key.id for key in first + rest] == sorted((key.id for key in keys), reverse=True)


async def test_a_new_password_ends_keys_of_logins_and_leaves_those_of_programs(storage: Storage) -> None:
    user = await stored_user(storage)
    kept, lost = a_stored_key(user), a_stored_key(user, by_login=True)
    for key in (kept, lost):
        await storage.add_key(key, most=9, now=NOW)
    await storage.set_password(user.id, "new", end_logins=False)
    assert len(await storage.keys(user.id, limit=9)) == 2
    await storage.set_password(user.id, "newer", end_logins=True)
    assert await storage.keys(user.id, limit=9) == [kept]


async def test_an_act_and_its_entry_are_stored_together_or_not_at_all(storage: Storage) -> None:
    user = a_user(role=Role.ADMIN)
    await storage.add_user(user, audit=an_entry(user, Act.USER_CREATED))
    with pytest.raises(Conflict):
        await storage.add_user(a_user(username=user.username), audit=an_entry(user, Act.USER_CREATED))
    login, token = a_login(user)
    await storage.add_login(login, token, audit=an_entry(user, Act.LOGGED_IN))
    await storage.end_login_id("none", audit=an_entry(user, Act.LOGGED_OUT))
    await storage.end_login(token.hash, audit=an_entry(user, Act.LOGGED_OUT, user_id=None, actor=""))
    key = a_stored_key(user)
    await storage.add_key(key, most=1, now=NOW, audit=an_entry(user))
    with pytest.raises(Conflict):
        await storage.add_key(a_stored_key(user), most=1, now=NOW, audit=an_entry(user))
    await storage.remove_key(user.id, "none", audit=an_entry(user, Act.KEY_REVOKED))
    await storage.remove_key(user.id, key.id, audit=an_entry(user, Act.KEY_REVOKED))
    with pytest.raises(Conflict) as refused:
        await storage.update_user(user.id, role=Role.USER, audit=an_entry(user, Act.ROLE_CHANGED))
    assert refused.value.code == "LAST_ADMIN"
    with pytest.raises(Conflict):
        await storage.delete_user(user.id, audit=an_entry(user, Act.USER_DELETED))
    await stored_user(storage, role=Role.ADMIN)
    await storage.update_user(user.id, role=Role.USER, audit=an_entry(user, Act.ROLE_CHANGED))
    await storage.set_password(user.id, "x", end_logins=True, audit=an_entry(user, Act.PASSWORD_CHANGED))
    await storage.end_logins(user.id, audit=an_entry(user, Act.LOGGED_OUT_EVERYWHERE))
    await storage.delete_user(user.id, audit=an_entry(user, Act.USER_DELETED))
    await storage.delete_user(user.id, audit=an_entry(user, Act.USER_DELETED))
    assert await told(storage) == [
        "user.deleted",
        "user.logged_out_everywhere",
        "user.password_changed",
        "user.role_changed",
        "key.revoked",
        "key.created",
        "user.logged_out",
        "user.logged_in",
        "user.created",
    ]
    out = (await storage.audit_entries(limit=1, action="user.logged_out"))[0]
    assert (out.user_id, out.actor_id, out.actor) == (user.id, user.id, user.username)


async def test_of_admins_that_remove_each_other_at_once_one_stays(storage: Storage) -> None:
    one, two = await stored_user(storage, role=Role.ADMIN), await stored_user(storage, role=Role.ADMIN)
    results = await asyncio.gather(storage.delete_user(one.id), storage.delete_user(two.id), return_exceptions=True)
    assert [result for result in results if result is True] == [True]


async def test_entries_come_back_as_they_were_paged_and_filtered(storage: Storage) -> None:
    user, other = await stored_user(storage), await stored_user(storage)
    entry = an_entry(user)
    await storage.add_audit(entry)
    await storage.add_audit(an_entry(other, Act.KEY_REVOKED, actor_id=user.id, created_at=NOW + 5))
    await storage.add_audit(an_entry(other, user_id=None, actor_id=None, target=None, created_at=NOW + 9))
    everything = await storage.audit_entries(limit=10)
    assert dataclasses.replace(everything[-1], id=0) == entry
    assert [found.created_at for found in everything] == [NOW + 9, NOW + 5, NOW]
    assert await storage.audit_entries(limit=1, before=everything[0].id) == [everything[1]]
    assert await storage.audit_entries(limit=10, user_id=user.id) == everything[1:]
    assert await storage.audit_entries(limit=10, user_id=other.id) == [everything[1]]
    assert await storage.audit_entries(limit=10, action="key.revoked") == [everything[1]]
    assert await storage.audit_entries(limit=10, action="key.created", user_id=user.id) == [everything[2]]
    assert await storage.audit_entries(limit=10, since=NOW + 5) == everything[:2]
    assert await storage.purge_audit(before=NOW + 9) == 2
    assert await storage.audit_entries(limit=10) == everything[:1]


async def begin(storage: Storage, user: User, print_: str = "print", **changes: Any) -> Claimed | Begun | StoredAnswer:
    given: dict[str, Any] = {"node": "here", "lease_until": NOW + HOUR, "now": NOW, **changes}
    return await storage.begin_request(user.id, "key", print_, **given)


async def test_a_request_is_begun_once_and_answered_alike(storage: Storage, opening: Callable[[], Storage]) -> None:
    user = await stored_user(storage)
    assert await begin(storage, user) == Claimed(NOW)
    assert await begin(storage, user) is Begun.RUNNING
    assert await begin(storage, user, "other") is Begun.OTHER
    answer = StoredAnswer(201, "application/json", b'{"success":true}\x00\xff')
    await storage.finish_request(user.id, "key", StoredAnswer(500, "x", b""), node="elsewhere")
    await storage.finish_request(user.id, "key", answer, node="here")
    again = opening()
    await again.start()
    assert await begin(again, user) == answer
    assert await begin(again, user, "other") is Begun.OTHER
    await again.stop()
    with pytest.raises(NotFound):
        await begin(storage, a_user())


async def test_a_request_that_did_nothing_can_come_again(storage: Storage) -> None:
    user = await stored_user(storage)
    await begin(storage, user)
    await storage.finish_request(user.id, "key", None, node="here")
    assert await begin(storage, user, "other") == Claimed(NOW)


async def test_a_lease_that_ran_out_or_was_given_up_can_be_taken(storage: Storage) -> None:
    user = await stored_user(storage)
    await begin(storage, user)
    assert await begin(storage, user, node="next", now=NOW + HOUR - 1) is Begun.RUNNING
    assert await begin(storage, user, node="next", now=NOW + HOUR, lease_until=NOW + 2 * HOUR) == Claimed(
        NOW, again=True
    )
    assert await storage.release_requests(except_node="next") == 0
    assert await storage.release_requests(except_node="third") == 1
    assert await begin(storage, user, node="third") == Claimed(NOW, again=True)


async def test_of_two_hundred_parallel_requests_one_is_first(storage: Storage) -> None:
    user = await stored_user(storage)
    begun = await asyncio.gather(*[begin(storage, user) for _ in range(200)])
    assert begun.count(Claimed(NOW)) == 1
    assert begun.count(Begun.RUNNING) == 199
