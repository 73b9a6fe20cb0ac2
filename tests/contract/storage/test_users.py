"""Users: names are theirs alone, and what is deleted leaves nothing but its log."""

from __future__ import annotations

import asyncio

import pytest

from teleflow.errors import Conflict, NotFound
from teleflow.model.jobs import SendState
from teleflow.model.users import Role
from teleflow.storage.base import Known, Storage

from .rig import (
    NOW,
    SENT,
    UNCERTAIN,
    a_job,
    a_login,
    a_user,
    accept,
    an_attempt,
    some_credentials,
    stored_session,
    stored_user,
)

ODD_NAMES = ["Åsa-Ωmega", "👩‍👩‍👧 family", "مرحبا", "e\u0301 combining", "שלום", "O'Brien; DROP TABLE users", "%_like"]


async def test_a_user_comes_back_as_stored(storage: Storage) -> None:
    user = await stored_user(storage, role=Role.ADMIN, description="über 🙂")
    assert await storage.user(user.id) == user
    assert await storage.user_named(user.username) == user


async def test_optional_fields_stay_empty(storage: Storage) -> None:
    user = await stored_user(storage, telegram_phone=None, telegram_api_id=None, telegram_api_hash=None)
    assert await storage.user(user.id) == user


async def test_an_unknown_user_is_nobody(storage: Storage) -> None:
    assert await storage.user("usr_none") is None
    assert await storage.user_named("none") is None


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names_are_kept_letter_for_letter(storage: Storage, name: str) -> None:
    user = await stored_user(storage, username=name)
    assert await storage.user_named(name) == user


async def test_a_name_is_taken_once_and_compares_exactly(storage: Storage) -> None:
    await stored_user(storage, username="Ann")
    await stored_user(storage, username="ann")
    with pytest.raises(Conflict) as raised:
        await storage.add_user(a_user(username="Ann"))
    assert raised.value.code == "USERNAME_TAKEN"
    assert (await storage.users(limit=10))[1] == 2


async def test_of_parallel_users_of_one_name_exactly_one_is_made(storage: Storage) -> None:
    outcomes = await asyncio.gather(
        *[storage.add_user(a_user(username="ann")) for _ in range(50)], return_exceptions=True
    )
    assert [outcome for outcome in outcomes if outcome is None] == [None]
    assert {type(outcome) for outcome in outcomes} == {type(None), Conflict}


async def test_users_come_newest_first_in_pages_with_their_count(storage: Storage) -> None:
    made = [await stored_user(storage, created_at=NOW + number) for number in range(5)]
    newest_first = list(reversed(made))
    assert await storage.users(limit=2) == (newest_first[:2], 5)
    assert await storage.users(limit=2, offset=4) == (newest_first[4:], 5)
    assert await storage.users(limit=2, offset=9) == ([], 5)


async def test_a_new_password_can_end_every_login(storage: Storage) -> None:
    user = await stored_user(storage)
    kept, ended = a_login(user), a_login(user)
    await storage.add_login(*kept)
    await storage.add_login(*ended)
    assert await storage.set_password(user.id, "new", end_logins=False)
    assert await storage.login_user(kept[0].id, now=NOW) is not None
    assert await storage.set_password(user.id, "newer", end_logins=True)
    assert await storage.login_user(kept[0].id, now=NOW) is None
    stored = await storage.user(user.id)
    assert stored is not None
    assert stored.password_hash == "newer"
    assert not await storage.set_password("usr_none", "x", end_logins=True)


async def test_an_update_changes_what_is_given_only(storage: Storage) -> None:
    user = await stored_user(storage)
    changed = await storage.update_user(user.id, telegram_api_hash="another", role=Role.ADMIN)
    assert changed is not None
    assert (changed.telegram_api_hash, changed.role) == ("another", Role.ADMIN)
    assert (changed.telegram_phone, changed.telegram_api_id) == (user.telegram_phone, user.telegram_api_id)
    assert await storage.user(user.id) == changed
    assert await storage.update_user("usr_none", description="x") is None


async def test_a_deleted_user_leaves_only_log_rows_that_a_namesake_cannot_see(storage: Storage) -> None:
    user = await stored_user(storage, username="ann")
    login, token = a_login(user)
    await storage.add_login(login, token)
    session = await stored_session(storage, user, name="main")
    await storage.save_credentials(session.id, some_credentials())
    await storage.put_attempt(an_attempt(session))
    await storage.put_phone_lookup(session.id, "+1777", Known(5, 6), now=NOW)
    jobs = [a_job(user, session.id) for _ in range(3)]
    for number, job in enumerate(jobs):
        await accept(storage, job, key=f"k{number}")
    await storage.settle_send(jobs[0].id, SENT, now=NOW)
    await storage.settle_send(jobs[1].id, UNCERTAIN, now=NOW)

    assert await storage.delete_user(user.id)
    assert not await storage.delete_user(user.id)

    assert await storage.user(user.id) is None
    assert await storage.login_user(login.id, now=NOW) is None
    assert await storage.session(user.id, session.id) is None
    assert await storage.credentials(session.id) is None
    assert await storage.attempt(session.id) is None
    assert await storage.phone_lookup(session.id, "+1777") is None
    assert [await storage.send_job(user.id, job.id) for job in jobs] == [None] * 3
    assert await storage.open_jobs() == 0
    told = await storage.log_entries(None, limit=10)
    assert [entry.success for entry in told] == [False, None, True]
    assert "deleted" in told[0].detail
    assert "may have arrived" in told[1].detail

    namesake = await stored_user(storage, username="ann")
    assert await storage.log_entries(namesake.id, limit=10) == []
    assert await storage.session_named(namesake.id, "main") is None
    accepted = await accept(storage, a_job(namesake), key="k0", fingerprint="another")
    assert not accepted.replayed


async def test_nothing_can_be_added_to_a_user_who_is_gone(storage: Storage) -> None:
    user = await stored_user(storage)
    await storage.delete_user(user.id)
    with pytest.raises(NotFound):
        await storage.add_login(*a_login(user))
    with pytest.raises(NotFound):
        await stored_session(storage, user)
    with pytest.raises(NotFound):
        await accept(storage, a_job(user), key="k")
    assert await storage.log_entries(None, limit=10) == []


async def test_a_user_with_many_jobs_is_wholly_deleted(storage: Storage) -> None:
    user, other = await stored_user(storage), await stored_user(storage)
    jobs = [a_job(user) for _ in range(4_500)]
    await asyncio.gather(*[accept(storage, job) for job in jobs], accept(storage, kept := a_job(other)))
    assert await storage.delete_user(user.id)
    assert await storage.open_jobs() == 1
    assert await storage.send_job(user.id, jobs[-1].id) is None
    still = await storage.send_job(other.id, kept.id)
    assert still is not None
    assert still.state is SendState.QUEUED
