"""Bare Telethon doing the same work: signed-in clients in one process, each sends the next when one is answered.

It is what a careful person would write: uvloop, cryptg, peers looked up before, no Markdown for plain text.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

import uvloop
from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.errors import InvalidBufferError, SecurityError
from telethon.events import NewMessage
from telethon.sessions import StringSession
from telethon.tl.functions.channels import GetFullChannelRequest, GetParticipantsRequest
from telethon.tl.functions.contacts import ResolvePhoneRequest
from telethon.tl.functions.messages import GetDialogsRequest, GetHistoryRequest, GetPeerDialogsRequest
from telethon.tl.types import ChannelParticipantsRecent, InputChannel, InputDialogPeer, InputPeerEmpty, InputPeerUser

from proofs.bench import floor
from proofs.bench.load import summary
from proofs.child import tell
from proofs.machine import cpu_seconds, rss_kib
from proofs.wire import Caller


def main(job: str, given: str) -> None:
    plan = json.loads(given)
    work = {"login": _log_in, "send": _send, "idle": _idle, "floor": _floor, "read": _read, "listen": _listen}[job]
    rsa.add_key(Path(plan["key"]).read_text("ascii"), old=False)
    uvloop.run(work(plan))


def _client(plan: dict[str, Any], session: str | None = None) -> Any:
    stored = StringSession(session)
    if session is None:
        stored.set_dc(plan["dcId"], plan["host"], plan["port"])
    return TelegramClient(stored, 1, "hash", connection_retries=3, retry_delay=1)


async def _log_in(plan: dict[str, Any]) -> None:
    """Sign `phones` in one after the other; prints their sessions, and the wall and CPU time of each."""
    control = Caller(plan["control"])
    sessions, wall, cpu = [], [], []
    for number, phone in enumerate(plan["phones"]):
        await control.post("/accounts", {"phone": phone, "firstName": f"Bare{number}"})
        began, used = time.perf_counter(), cpu_seconds(os.getpid())
        client = await _asked_for_code(plan, phone)
        code = (await control.get(f"/accounts/{phone}/code"))["code"]
        await client.sign_in(phone, code)
        wall.append(time.perf_counter() - began)
        cpu.append(cpu_seconds(os.getpid()) - used)
        sessions.append(client.session.save())
        await client.disconnect()
    tell({"sessions": sessions, "wall": wall, "cpu": cpu})


async def _asked_for_code(plan: dict[str, Any], phone: str) -> Any:
    """Telethon loses a leading zero of a key now and then, and the key with it: then another try."""
    for _ in range(2):
        client = _client(plan)
        try:
            await client.connect()
            await client.send_code_request(phone)
        except (InvalidBufferError, ConnectionError, SecurityError):
            await client.disconnect()
        else:
            return client
    client = _client(plan)
    await client.connect()
    await client.send_code_request(phone)
    return client


async def _connected(plan: dict[str, Any]) -> list[Any]:
    clients = [_client(plan, session) for session in plan["sessions"]]
    for start in range(0, len(clients), 20):
        await asyncio.gather(*(client.connect() for client in clients[start : start + 20]))
    return clients


async def _send(plan: dict[str, Any]) -> None:
    clients = await _connected(plan)
    peers = [await _peer(client, phone) for client, phone in zip(clients, plan["phones"], strict=True)]
    await _all(clients, peers, plan["warmUp"], [])
    gc.collect()
    took: list[float] = []
    cpu, began = cpu_seconds(os.getpid()), time.perf_counter()
    await _all(clients, peers, plan["seconds"], took)
    tell(summary(took, time.perf_counter() - began, cpu_seconds(os.getpid()) - cpu) | {"failed": 0})
    for client in clients:
        await client.disconnect()


async def _floor(plan: dict[str, Any]) -> None:
    clients = await _connected(plan)
    peers = [await _peer(client, phone) for client, phone in zip(clients, plan["phones"], strict=True)]
    await floor.serve(clients, peers, plan["port"])


async def _listen(plan: dict[str, Any]) -> None:
    """Count messages as a handler is handed them; says when it listens, and when it has had all."""
    (client,) = await _connected(plan)
    await client.get_me()
    had, over = 0, asyncio.Event()

    async def handler(event: Any) -> None:
        nonlocal had
        if event.raw_text:
            had += 1
            if had == plan["messages"]:
                over.set()

    client.add_event_handler(handler, NewMessage(incoming=True))
    await asyncio.sleep(0.5)
    cpu = cpu_seconds(os.getpid())
    tell({"listens": True})
    await over.wait()
    tell({"at": time.monotonic(), "cpu": cpu_seconds(os.getpid()) - cpu})
    await client.disconnect()


async def _read(plan: dict[str, Any]) -> None:
    """The median of each read and its CPU time, in milliseconds, one call after the other."""
    (client,) = await _connected(plan)
    club = await client.get_input_entity(plan["club"])
    channel = InputChannel(club.channel_id, club.access_hash)
    recent = ChannelParticipantsRecent()
    reads = {
        "history of 50": [GetHistoryRequest(club, 0, None, 0, 50, 0, 0, 0)],
        "100 chats": [GetDialogsRequest(None, 0, InputPeerEmpty(), 100, 0)],
        "one chat": [GetFullChannelRequest(channel), GetPeerDialogsRequest([InputDialogPeer(club)])],
        "100 members": [GetParticipantsRequest(channel, recent, 0, 100, 0)],
    }
    found = {}
    for name, requests in reads.items():
        took = []
        used = cpu_seconds(os.getpid())
        for number in range(plan["warmUp"] + plan["calls"]):
            began = time.perf_counter()
            await asyncio.gather(*(client(request) for request in requests))
            if number >= plan["warmUp"]:
                took.append(time.perf_counter() - began)
        used = (cpu_seconds(os.getpid()) - used) / (plan["warmUp"] + plan["calls"])
        found[name] = (statistics.median(took) * 1000, used * 1000)
    tell(found)
    await client.disconnect()


async def _peer(client: Any, phone: str) -> InputPeerUser:
    found = await client(ResolvePhoneRequest(phone.lstrip("+")))
    return InputPeerUser(found.users[0].id, found.users[0].access_hash)


async def _all(clients: list[Any], peers: list[Any], seconds: float, took: list[float]) -> None:
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_one(client, peer, until, took) for client, peer in zip(clients, peers, strict=True)))


async def _one(client: Any, peer: Any, until: float, took: list[float]) -> None:
    now = time.perf_counter()
    while now < until:
        await client.send_message(peer, "Your verification code is: 482917", parse_mode=None)
        before, now = now, time.perf_counter()
        took.append(now - before)


async def _idle(plan: dict[str, Any]) -> None:
    """Memory before and with all clients connected and quiet; CPU while nothing happens."""
    gc.collect()
    before = rss_kib(os.getpid())
    clients = await _connected(plan)
    await asyncio.sleep(plan["settle"])
    gc.collect()
    grown = rss_kib(os.getpid()) - before
    cpu = cpu_seconds(os.getpid())
    await asyncio.sleep(plan["seconds"])
    cpu = cpu_seconds(os.getpid()) - cpu
    tell({"kib": grown / len(clients), "cpu": cpu / plan["seconds"]})
    for client in clients:
        await client.disconnect()
