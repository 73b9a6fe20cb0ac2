"""What the service itself does is in the log with the act, once: sessions, their states, waits, jobs."""

from __future__ import annotations

import json
from typing import Any

from teleflow.model.audit import AuditEntry
from teleflow.model.jobs import SendState
from teleflow.model.pacing import Hold
from teleflow.model.sessions import SessionState
from teleflow.model.users import User
from teleflow.storage.base import Settlement, Storage

from .rig import NOW, a_job, accept, stored_session, stored_user

S = SessionState


async def told(storage: Storage, user: User) -> list[tuple[str, str | None, dict[str, Any]]]:
    events, _ = await storage.events_after(user.id, after=0, limit=1000)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    return [(event.type, event.session_id, json.loads(event.body)["data"]) for event in events]


async def test_a_session_is_told_from_its_creation_to_its_end(storage: Storage) -> None:
    user = await stored_user(storage)
    session = await stored_session(storage, user, phone="+15550009")
    entry = AuditEntry("session.authorized", NOW, user_id=user.id, target=session.id, details={"method": "qr"})
    await storage.authorise_session(
        session.id, account_id=7, account_name="Ann", phone="+15550009", now=NOW + 1, audit=entry
    )
    await storage.set_session_state(session.id, S.ONLINE, cause=None, now=NOW + 2)
    await storage.set_session_state(session.id, S.ONLINE, cause="again", now=NOW + 3)
    await storage.set_session_state(session.id, S.RECONNECTING, cause="refused", now=NOW + 4)
    assert not await storage.set_session_state(session.id, S.NEW, cause=None, now=NOW + 5), "it may not follow"
    await storage.set_session_state(session.id, S.FLOOD_HELD, cause="wait", now=NOW + 6)
    await storage.forget_authorisation(session.id, S.LOGGED_OUT, cause="revoked", now=NOW + 7)
    assert await storage.delete_session(user.id, session.id)
    found = await told(storage, user)
    assert {session_id for _, session_id, _ in found} == {session.id}
    assert [(type_, data) for type_, _, data in found] == [
        ("session.created", {"phoneNumber": "+15550009"}),
        ("session.authorized", {"method": "qr"}),
        ("session.state_changed", {"state": "connecting", "cause": None, "previous": "new"}),
        ("session.state_changed", {"state": "online", "cause": None, "previous": "connecting"}),
        ("session.connected", {}),
        ("session.state_changed", {"state": "reconnecting", "cause": "refused", "previous": "online"}),
        ("session.disconnected", {"cause": "refused"}),
        ("session.state_changed", {"state": "flood_held", "cause": "wait", "previous": "reconnecting"}),
        ("session.connected", {"cause": "wait"}),
        ("session.state_changed", {"state": "logged_out", "cause": "revoked", "previous": "flood_held"}),
        ("session.disconnected", {"cause": "revoked"}),
        ("session.deleted", {}),
    ]


async def test_a_login_made_elsewhere_is_an_import(storage: Storage) -> None:
    user = await stored_user(storage)
    session = await stored_session(storage, user)
    await storage.authorise_session(session.id, account_id=7, account_name="Ann", phone="+1", now=NOW + 1)
    await stored_session(storage, user, authorised=True, state=S.CONNECTING)
    methods = [data["method"] for type_, _, data in await told(storage, user) if type_ == "session.authorized"]
    assert methods == ["import", "import"]


async def test_a_wait_is_told_when_it_is_stored_and_once(storage: Storage) -> None:
    user = await stored_user(storage)
    session = await stored_session(storage, user)
    hold = Hold(session.id, "messages.sendMessage", "7", NOW + 60_500, "limited", "TELEGRAM_FLOOD_WAIT", "wait")
    await storage.put_hold(hold)
    await storage.put_hold(hold)
    found = [data for type_, _, data in await told(storage, user) if type_ == "session.flood_wait"]
    assert len(found) == 1
    assert (found[0]["method"], found[0]["scope"], found[0]["seconds"]) == ("messages.sendMessage", "7", 61)
    assert found[0]["until"].endswith("Z")


async def test_a_job_is_told_when_it_is_final_and_only_then(storage: Storage) -> None:
    user, stranger = await stored_user(storage), await stored_user(storage)
    jobs = [a_job(user) for _ in range(3)]
    for job in jobs:
        await accept(storage, job)
    waits = Settlement(SendState.QUEUED, "waits", 1, due_at=NOW + 9)
    sent = Settlement(SendState.SENT, "sent", 1, message_id=5, chat_id=7)
    failed = Settlement(SendState.FAILED, "no", 1, error_code="PEER_NOT_FOUND", error_message="nobody")
    await storage.settle_send(jobs[0].id, waits, now=NOW)
    assert await told(storage, user) == []
    await storage.settle_send(jobs[0].id, sent, now=NOW)
    await storage.settle_send(jobs[0].id, sent, now=NOW + 1)
    await storage.settle_send(jobs[1].id, failed, now=NOW)
    assert await storage.cancel_send(jobs[2].id, detail="cancelled", now=NOW)
    assert not await storage.cancel_send(jobs[2].id, detail="cancelled", now=NOW)
    found = await told(storage, user)
    assert [(type_, data["id"], data["state"]) for type_, _, data in found] == [
        ("job.settled", jobs[0].id, "sent"),
        ("job.settled", jobs[1].id, "failed"),
        ("job.settled", jobs[2].id, "cancelled"),
    ]
    assert found[0][2]["message"]["id"] == 5
    assert found[1][2]["error"]["code"] == "PEER_NOT_FOUND"
    assert await told(storage, stranger) == []


async def test_the_jobs_that_a_session_takes_along_are_told_before_its_end(storage: Storage) -> None:
    user = await stored_user(storage)
    session = await stored_session(storage, user)
    queued, left = a_job(user, session.id), a_job(user, session.id)
    for job in (queued, left):
        await accept(storage, job)
    await storage.mark_sending(left.id, attempts=1, node="node-a", lease_until=NOW + 9)
    assert await storage.delete_session(user.id, session.id)
    found = [(type_, data.get("id"), data.get("state")) for type_, _, data in await told(storage, user)]
    assert found[1:3] == [("job.settled", queued.id, "cancelled"), ("job.settled", left.id, "failed")]
    assert found[3][0] == "session.deleted"
