"""A database with one of everything in it that is sealed, and more that is odd."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

from teleflow.kit.seal import Seal
from teleflow.model.broadcasts import Broadcast, BroadcastState, Pace, Plan
from teleflow.model.events import EventFilter
from teleflow.model.messages import Message
from teleflow.model.proxies import proxy_of
from teleflow.model.sessions import Device, Profile
from teleflow.model.users import User
from teleflow.model.webhooks import Webhook
from teleflow.storage.base import Claimed, Known, Storage, StoredAnswer

from .rig import HOUR, NOW, SENT, a_job, accept, an_attempt, some_credentials, stored_session, stored_user

PEERS = 120


async def furnish(storage: Storage, seal: Seal) -> tuple[User, str, str]:
    """One of everything that is sealed."""
    user = await stored_user(storage)
    session = await stored_session(storage, user)
    await storage.save_credentials(session.id, some_credentials())
    proxy = proxy_of({"type": "socks5", "host": "10.0.0.1", "port": 1080, "username": "u", "password": "p"})
    await storage.save_profile(session.id, Profile(Device(app_version="1"), proxy, (7, "of the profile")))
    await storage.put_attempt(an_attempt(session))
    await storage.remember_peers(session.id, [Known(n, n * 7) for n in range(1, PEERS + 1)], now=NOW)
    webhook = Webhook(
        "whk_1", user.id, "https://x.example/h", EventFilter(frozenset({"*"}), None), "the secret", True, NOW, NOW,
        headers={"Authorization": "letters"}, old_secret="the old one", old_secret_until=NOW + HOUR,
    )  # fmt: skip
    await storage.add_webhook(webhook, most=5)
    job = a_job(user, session.id)
    await accept(storage, job)
    message = Message(42, 777, 1, "what it became", 1)
    await storage.settle_send(job.id, dataclasses.replace(SENT, messages=(message,)), now=NOW)
    begun = await storage.begin_request(user.id, "k", "print", node="n", lease_until=NOW + HOUR, now=NOW)
    assert isinstance(begun, Claimed)
    await storage.finish_request(user.id, "k", StoredAnswer(200, "text/plain", b"an answer"), node="n")
    plan = Plan("hello", "they asked", Pace(1, 1), file_id=file_id(seal, session.id))
    await storage.add_broadcast(
        Broadcast("brd_1", user.id, session.id, "b", plan, BroadcastState.DRAFT, NOW, NOW), recipients=()
    )
    return user, session.id, job.id


def file_id(seal: Seal, session_id: str) -> str:
    return base64.urlsafe_b64encode(seal.seal_same(b"where it lies", "file", session_id)).rstrip(b"=").decode()


async def everything(storage: Storage, user: User, session_id: str, job_id: str) -> list[Any]:
    job = await storage.send_job(user.id, job_id)
    assert job is not None
    return [
        await storage.user(user.id),
        await storage.credentials(session_id),
        await storage.profile(session_id),
        await storage.attempt(session_id),
        [await storage.peer(session_id, number) for number in range(1, PEERS + 1)],
        await storage.webhook(user.id, "whk_1"),
        job.messages,
        await storage.begin_request(user.id, "k", "print", node="n", lease_until=NOW + HOUR, now=NOW),
    ]
