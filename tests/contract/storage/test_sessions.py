"""Sessions: owned, named once, their states told; their secrets sealed to their row."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from teleflow.errors import Conflict
from teleflow.model.jobs import SendState
from teleflow.model.proxies import Proxy, ProxyKind
from teleflow.model.sessions import Device, Profile, SessionState, may_follow
from teleflow.storage.base import Known, Storage

from .rig import (
    NOW,
    UNCERTAIN,
    a_job,
    a_session,
    accept,
    an_attempt,
    some_credentials,
    stored_session,
    stored_user,
)


async def test_a_session_comes_back_as_stored_to_its_owner_only(storage: Storage) -> None:
    owner, stranger = await stored_user(storage), await stored_user(storage)
    session = await stored_session(storage, owner, name="работа 📱", authorised=True, account_id=2**40)
    assert await storage.session(owner.id, session.id) == session
    assert await storage.session_named(owner.id, session.name) == session
    assert await storage.session(stranger.id, session.id) is None
    assert await storage.session_named(stranger.id, session.name) is None


async def test_a_name_is_taken_once_for_each_user(storage: Storage) -> None:
    ann, bob = await stored_user(storage), await stored_user(storage)
    await stored_session(storage, bob, name="main")
    outcomes = await asyncio.gather(
        *[storage.add_session(a_session(ann, name="main")) for _ in range(20)], return_exceptions=True
    )
    taken = [outcome for outcome in outcomes if outcome is not None]
    assert len(taken) == 19
    assert all(isinstance(error, Conflict) and error.code == "SESSION_NAME_TAKEN" for error in taken)


async def test_sessions_are_paged_newest_first(storage: Storage) -> None:
    owner = await stored_user(storage)
    made = [await stored_session(storage, owner) for _ in range(5)]
    await stored_session(storage, await stored_user(storage))
    newest_first = list(reversed(made))
    first = await storage.sessions(owner.id, limit=2)
    assert first == newest_first[:2]
    assert await storage.sessions(owner.id, limit=10, after=first[-1].id) == newest_first[2:]


async def test_sessions_to_run_are_those_authorised_and_not_put_offline(storage: Storage) -> None:
    owner = await stored_user(storage)
    wanted = [
        await stored_session(storage, owner, authorised=True, state=state)
        for state in (SessionState.ONLINE, SessionState.FROZEN, SessionState.RECONNECTING)
    ]
    await stored_session(storage, owner, authorised=True, state=SessionState.DISCONNECTED)
    await stored_session(storage, owner, state=SessionState.CODE_SENT)
    assert await storage.sessions_to_run(limit=10) == wanted
    assert await storage.sessions_to_run(limit=2) == wanted[:2]
    assert await storage.sessions_to_run(limit=2, after=wanted[1].id) == wanted[2:]


async def test_sessions_are_counted_by_state(storage: Storage) -> None:
    owner = await stored_user(storage)
    for state in (SessionState.ONLINE, SessionState.ONLINE, SessionState.BANNED):
        await stored_session(storage, owner, state=state)
    assert await storage.count_sessions() == {SessionState.ONLINE: 2, SessionState.BANNED: 1}


async def test_a_state_has_a_cause_and_the_time_since_when(storage: Storage) -> None:
    owner = await stored_user(storage)
    session = await stored_session(storage, owner, state=SessionState.CONNECTING)
    assert await storage.set_session_state(session.id, SessionState.ONLINE, cause=None, now=NOW + 1)
    await storage.set_session_state(session.id, SessionState.ONLINE, cause="again", now=NOW + 2, phone="+1999")
    stored = await storage.session(owner.id, session.id)
    assert stored is not None
    assert (stored.state, stored.cause, stored.state_since) == (SessionState.ONLINE, "again", NOW + 1)
    assert (stored.last_online_at, stored.phone) == (NOW + 2, "+1999")
    await storage.set_session_state(session.id, SessionState.RECONNECTING, cause="refused", now=NOW + 3)
    stored = await storage.session(owner.id, session.id)
    assert stored is not None
    assert (stored.state_since, stored.last_online_at, stored.phone) == (NOW + 3, NOW + 2, "+1999")
    assert not await storage.set_session_state("ses_none", SessionState.ONLINE, cause=None, now=NOW)


async def test_a_finished_login_authorises_and_ends_the_attempt(storage: Storage) -> None:
    owner = await stored_user(storage)
    session = await stored_session(storage, owner)
    await storage.put_attempt(an_attempt(session))
    await storage.authorise_session(session.id, account_id=7, account_name="Ann 🦊", phone="+1888", now=NOW + 9)
    stored = await storage.session(owner.id, session.id)
    assert stored is not None
    assert (stored.authorised, stored.state, stored.state_since) == (True, SessionState.CONNECTING, NOW + 9)
    assert (stored.account_id, stored.account_name, stored.phone) == (7, "Ann 🦊", "+1888")
    assert await storage.attempt(session.id) is None


async def test_an_ended_authorisation_destroys_keys_and_fails_what_never_left(storage: Storage) -> None:
    owner = await stored_user(storage)
    session = await stored_session(storage, owner, authorised=True)
    await storage.save_credentials(session.id, some_credentials())
    await storage.put_phone_lookup(session.id, "+1777", Known(5, 6), now=NOW)
    waiting, under_way = a_job(owner, session.id), a_job(owner, session.id)
    elsewhere = a_job(owner, "ses_other")
    for job in (waiting, under_way, elsewhere):
        await accept(storage, job)
    await storage.settle_send(under_way.id, UNCERTAIN, now=NOW)

    await storage.forget_authorisation(session.id, SessionState.LOGGED_OUT, cause="SESSION_REVOKED", now=NOW + 1)

    stored = await storage.session(owner.id, session.id)
    assert stored is not None
    assert (stored.authorised, stored.state, stored.cause) == (False, SessionState.LOGGED_OUT, "SESSION_REVOKED")
    assert await storage.credentials(session.id) is None
    assert await storage.phone_lookup(session.id, "+1777") is None
    states = [await storage.send_job(owner.id, job.id) for job in (waiting, under_way, elsewhere)]
    assert [job and job.state for job in states] == [SendState.FAILED, SendState.UNCERTAIN, SendState.QUEUED]
    assert states[0] is not None
    assert states[0].error_code == "SESSION_LOGGED_OUT"
    assert "SESSION_REVOKED" in (states[0].error_message or "")


async def test_a_deleted_session_takes_its_secrets_along_and_its_jobs_end(storage: Storage) -> None:
    owner, stranger = await stored_user(storage), await stored_user(storage)
    session = await stored_session(storage, owner, name="main")
    await storage.save_credentials(session.id, some_credentials())
    await storage.put_attempt(an_attempt(session))
    await storage.put_phone_lookup(session.id, "+1777", None, now=NOW)
    waiting, under_way = a_job(owner, session.id), a_job(owner, session.id)
    await accept(storage, waiting)
    await accept(storage, under_way)
    await storage.mark_sending(under_way.id, attempts=1, node="node-a", lease_until=NOW)

    assert not await storage.delete_session(stranger.id, session.id)
    assert await storage.delete_session(owner.id, session.id)
    assert not await storage.delete_session(owner.id, session.id)

    assert await storage.session(owner.id, session.id) is None
    assert await storage.credentials(session.id) is None
    assert await storage.attempt(session.id) is None
    assert await storage.phone_lookup(session.id, "+1777") is None
    cancelled = await storage.send_job(owner.id, waiting.id)
    unknown = await storage.send_job(owner.id, under_way.id)
    assert cancelled is not None
    assert unknown is not None
    assert cancelled.state is SendState.CANCELLED
    assert (unknown.state, unknown.error_code) == (SendState.FAILED, "OUTCOME_UNKNOWN")
    assert [entry.success for entry in await storage.log_entries(owner.id, limit=5)] == [None, False]
    await stored_session(storage, owner, name="main")


async def test_credentials_come_back_as_saved_and_are_replaced_whole(storage: Storage) -> None:
    owner = await stored_user(storage)
    session = await stored_session(storage, owner)
    assert await storage.credentials(session.id) is None
    first, second = some_credentials(), some_credentials(dc_id=4, host="::1", salt=-(2**63), api_hash="new")
    for credentials in (first, second, second):
        await storage.save_credentials(session.id, credentials)
        assert await storage.credentials(session.id) == credentials


async def test_credentials_for_a_session_that_is_gone_are_not_kept(storage: Storage) -> None:
    await storage.save_credentials("ses_none", some_credentials())
    assert await storage.credentials("ses_none") is None


async def test_one_auth_key_cannot_live_in_two_sessions(storage: Storage) -> None:
    owner = await stored_user(storage)
    one, two = await stored_session(storage, owner), await stored_session(storage, owner)
    credentials = some_credentials()
    await storage.save_credentials(one.id, credentials)
    with pytest.raises(Conflict) as raised:
        await storage.save_credentials(two.id, credentials)
    assert raised.value.code == "AUTH_KEY_IN_USE"
    await storage.delete_session(owner.id, one.id)
    await storage.save_credentials(two.id, credentials)


async def test_a_login_attempt_is_replaced_and_ended(storage: Storage) -> None:
    owner = await stored_user(storage)
    session = await stored_session(storage, owner)
    first = an_attempt(session)
    later = an_attempt(session, tries=2, password_tries=1, phone_code_hash="another", next_type=None, resend_at=None)
    for attempt in (first, later):
        await storage.put_attempt(attempt)
        assert await storage.attempt(session.id) == attempt
    await storage.end_attempt(session.id)
    assert await storage.attempt(session.id) is None


async def test_code_requests_are_counted_for_each_number(storage: Storage) -> None:
    for number, at in (("+1", NOW - 10), ("+1", NOW), ("+2", NOW)):
        await storage.note_code_request(number, now=at)
    assert await storage.codes_requested("+1", since=NOW - 10) == 2
    assert await storage.codes_requested("+1", since=NOW) == 1
    assert await storage.codes_requested("+3", since=0) == 0


async def test_peers_are_known_to_one_session_only(storage: Storage) -> None:
    owner = await stored_user(storage)
    one, two = await stored_session(storage, owner), await stored_session(storage, owner)
    known = Known(2**40, -(2**63), "+1777", "fox", "Ann 🦊")
    await storage.put_phone_lookup(one.id, "+1777", known, now=NOW)
    found = await storage.phone_lookup(one.id, "+1777")
    assert found is not None
    assert (found.known, found.looked_up_at) == (known, NOW)
    assert await storage.phone_lookup(two.id, "+1777") is None


async def test_that_nobody_was_found_is_remembered_until_somebody_is(storage: Storage) -> None:
    session = await stored_session(storage, await stored_user(storage))
    assert await storage.phone_lookup(session.id, "+1777") is None
    await storage.put_phone_lookup(session.id, "+1777", None, now=NOW)
    nobody = await storage.phone_lookup(session.id, "+1777")
    assert nobody is not None
    assert (nobody.known, nobody.looked_up_at) == (None, NOW)
    await storage.remember_peers(session.id, [Known(5, 6, "1777", None, "Ann")], now=NOW + 1)
    somebody = await storage.phone_lookup(session.id, "+1777")
    assert somebody is not None
    assert somebody.known == Known(5, 6, "1777", None, "Ann")


async def test_a_long_list_of_peers_is_remembered_and_refreshed(storage: Storage) -> None:
    session = await stored_session(storage, await stored_user(storage))
    await storage.remember_peers(session.id, [Known(n, n, f"+{n}", None, "old") for n in range(1, 350)], now=NOW)
    await storage.remember_peers(session.id, [Known(n, -n, None, "user", None) for n in range(1, 350)], now=NOW)
    found = await storage.phone_lookup(session.id, "+349")
    assert found is not None
    assert found.known == Known(349, -349, "+349", "user", "old"), "what is not told again stays known"
    await storage.remember_peers("ses_none", [Known(1, 2)], now=NOW)
    await storage.put_phone_lookup("ses_none", "+1", Known(1, 2), now=NOW)
    assert await storage.phone_lookup("ses_none", "+1") is None


async def test_logins_under_way_are_found_with_the_end_of_their_attempt(storage: Storage) -> None:
    owner = await stored_user(storage)
    asked = await stored_session(storage, owner, state=SessionState.CODE_SENT)
    gone = await stored_session(storage, owner, state=SessionState.PASSWORD_NEEDED)
    await stored_session(storage, owner, state=SessionState.NEW)
    await stored_session(storage, owner, state=SessionState.CODE_SENT, authorised=True)
    await storage.put_attempt(an_attempt(asked, expires_at=NOW + 5))
    expected = sorted([(asked.id, NOW + 5), (gone.id, None)])
    assert await storage.attempts_under_way(limit=10) == expected
    assert await storage.attempts_under_way(limit=1) == expected[:1]
    assert await storage.attempts_under_way(limit=10, after=expected[0][0]) == expected[1:]


async def test_a_peer_is_found_by_id_and_by_the_name_it_has_now(storage: Storage) -> None:
    owner = await stored_user(storage)
    one, two = await stored_session(storage, owner), await stored_session(storage, owner)
    group = Known(-7, 0, None, None, "Old", migrated_to=-1000000000042)
    await storage.remember_peers(one.id, [Known(5, 55, None, "Fox", "Ann"), group], now=NOW)
    assert await storage.peer(one.id, 5) == Known(5, 55, None, "fox", "Ann")
    assert await storage.peer(one.id, -7) == group
    assert await storage.peer(two.id, 5) is None
    assert await storage.peer_named(one.id, "FOX", since=NOW) == Known(5, 55, None, "fox", "Ann")
    assert await storage.peer_named(one.id, "fox", since=NOW + 1) is None, "not heard of since"
    assert await storage.peer_named(two.id, "fox", since=0) is None
    await storage.remember_peers(one.id, [Known(6, 66, None, "fox", "Eve")], now=NOW + 5)
    assert await storage.peer_named(one.id, "fox", since=0) == Known(6, 66, None, "fox", "Eve")
    assert await storage.peer(one.id, 5) == Known(5, 55, None, None, "Ann"), "the name has another owner now"


@pytest.mark.parametrize("now", list(SessionState))
async def test_a_state_that_may_not_follow_is_refused(storage: Storage, now: SessionState) -> None:
    owner = await stored_user(storage)
    for then in SessionState:
        session = await stored_session(storage, owner, state=now, cause="before")
        taken = await storage.set_session_state(session.id, then, cause="after", now=NOW + 5)
        stored = await storage.session(owner.id, session.id)
        assert stored is not None
        assert taken is may_follow(now, then)
        assert (stored.state, stored.cause) == ((then, "after") if taken else (now, "before"))


async def test_restrictions_outlast_the_connection(storage: Storage) -> None:
    owner = await stored_user(storage)
    session = await stored_session(storage, owner, state=SessionState.ONLINE, authorised=True)
    seen = []
    for state in (
        SessionState.FROZEN,
        SessionState.RECONNECTING,
        SessionState.RESTRICTED,
        SessionState.DISCONNECTED,
        SessionState.CONNECTING,
        SessionState.ONLINE,
    ):
        await storage.set_session_state(session.id, state, cause=None, now=NOW)
        stored = await storage.session_by_id(session.id)
        assert stored is not None
        seen.append(stored.impaired)
    frozen, restricted = SessionState.FROZEN, SessionState.RESTRICTED
    assert seen == [frozen, frozen, restricted, restricted, restricted, None]


async def test_a_profile_comes_back_with_its_secrets_sealed(storage: Storage) -> None:
    owner = await stored_user(storage)
    proxy = Proxy(ProxyKind.SOCKS5, "proxy.example", 1080, "me", "my proxy's password")
    profile = Profile(Device(model="Pixel 8", lang_code="de"), proxy, (7, "another api hash"))
    session = a_session(owner)
    await storage.add_session(session, profile)
    assert await storage.profile(session.id) == profile
    changed = Profile(profile.device)
    await storage.save_profile(session.id, changed)
    assert await storage.profile(session.id) == changed
    await storage.save_profile("ses_none", profile)
    assert await storage.profile("ses_none") is None


async def test_an_arrival_is_stored_whole_or_not_at_all(storage: Storage) -> None:
    owner = await stored_user(storage)
    key = some_credentials()
    first, second = a_session(owner, authorised=True), a_session(owner, authorised=True)
    await storage.add_arrival(first, key, Profile())
    assert await storage.session(owner.id, first.id) == first
    assert await storage.credentials(first.id) == key
    assert await storage.holds_key(hashlib.sha256(key.auth_key).hexdigest())
    assert not await storage.holds_key(hashlib.sha256(b"another").hexdigest())
    with pytest.raises(Conflict, match="login"):
        await storage.add_arrival(second, key, Profile())
    assert await storage.session(owner.id, second.id) is None
    with pytest.raises(Conflict, match="name"):
        await storage.add_arrival(a_session(owner, name=first.name), some_credentials(), Profile())


async def test_a_session_is_renamed_unless_the_name_is_taken(storage: Storage) -> None:
    owner, stranger = await stored_user(storage), await stored_user(storage)
    session, other = await stored_session(storage, owner, name="one"), await stored_session(storage, owner, name="two")
    assert await storage.rename_session(owner.id, session.id, "three")
    assert await storage.rename_session(owner.id, session.id, "three")
    assert not await storage.rename_session(stranger.id, session.id, "mine")
    with pytest.raises(Conflict):
        await storage.rename_session(owner.id, session.id, other.name)
    stored = await storage.session(owner.id, session.id)
    assert stored is not None
    assert stored.name == "three"
