"""A database in which every table has a row, by the acts that make them."""

from __future__ import annotations

import os

from teleflow.kit.seal import Seal
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.broadcasts import OptOut, Recipient
from teleflow.model.chats import ChatType
from teleflow.model.events import EventType, NewEvent
from teleflow.model.groups import ChatCreation
from teleflow.model.keys import ApiKey
from teleflow.model.pacing import Hold
from teleflow.model.tickets import StreamTicket
from teleflow.model.updates import BoxPosition, Face
from teleflow.model.users import Scope, User
from teleflow.model.webhooks import Attempt, Recovery, RecoveryState, Tried
from teleflow.storage.base import Known, Storage

from .furnished import furnish
from .rig import HOUR, NOW, a_job, a_login, accept

# Whoever has an installation to himself has it on the whole machine: other workers' tests have others.
INSTALLATION = f"ins_{os.getpid()}"


async def complete(storage: Storage, seal: Seal) -> tuple[User, str, str]:
    """Who, which session and which job, as `furnish` has them."""
    user, session, job = await furnish(storage, seal)
    await storage.remember("installation", INSTALLATION)
    await storage.add_login(*a_login(user))
    await storage.add_key(
        ApiKey("key_1", user.id, "k", "hash", "tf_1", frozenset({Scope.READ}), None, 5, False, NOW, NOW + HOUR, None),
        most=5,
        now=NOW,
    )
    await storage.note_code_request("+15550001", now=NOW)
    await storage.put_phone_lookup(session, "+15550009", Known(9, 99, username="Nina"), now=NOW)
    await storage.put_hold(Hold(session, "messages.sendMessage", "", NOW + HOUR, "flood", "FLOOD_WAIT", "wait"))
    await storage.note_acquaintance(session, 9, now=NOW)
    ticket = StreamTicket("hash", user.id, "lgn_1", frozenset({"message.*"}), session, None, NOW + HOUR)
    await storage.add_ticket(ticket, now=NOW, most=5)
    await storage.begin_creation(ChatCreation("cre_1", user.id, session, ChatType.GROUP, "a group", NOW, None))
    await storage.add_opt_out(OptOut("opt_1", user.id, "@nina", "she said so", NOW), most=5)
    await storage.add_recipients(user.id, "brd_1", [Recipient(1, "@nina", {"name": "Nina"})], most=5)
    await storage.append_events(
        user.id,
        [NewEvent(f"evt_{n}", EventType.MESSAGE_RECEIVED, session, NOW, {"n": n}, 777) for n in range(3)],
        now=NOW,
        session_id=session,
        positions=[BoxPosition(0, 5, 1, 2, 3), BoxPosition(777, 5)],
        faces=[Face(777, ChatType.GROUP, "a group")],
    )
    claim = await storage.claim_deliveries("whk_1", now=NOW, until=NOW + HOUR, limit=1)
    attempt = Attempt(1, NOW, 12, 503, None, {"a": "b"}, {"c": "d"}, "not now")
    tried = Tried(claim.due[0].id, attempt, success=False, again_at=NOW + HOUR)
    await storage.settle_deliveries([tried], now=NOW, disable_after=HOUR)
    await storage.add_recovery(Recovery("rec_1", "whk_1", user.id, 0, NOW, 0, 0, RecoveryState.RUNNING, NOW))
    await storage.add_audit(AuditEntry(Act.LOGGED_IN, NOW, user_id=user.id, actor="a", details={"at": "home"}))
    await accept(storage, a_job(user, session), key="again")
    return user, session, job
