"""What an unmodified Telethon experiences of each verb, from one sandbox and an address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from telethon import TelegramClient, errors
from telethon.crypto import rsa
from telethon.errors.common import AuthKeyNotFound
from telethon.sessions import MemorySession
from telethon.tl import functions, types

from teleflow.sandbox import running
from teleflow.sandbox.embedded import Sandbox
from teleflow.sandbox.mtproto.rsa import ServerKey

ANN, BOB = "+15550001", "+15550002"
SEND = "messages.sendMessage"
Login = Callable[..., Awaitable[Any]]


@pytest.fixture
async def sandbox(server_key: ServerKey) -> AsyncIterator[Sandbox]:
    async with running(key=server_key, pq_bits=46, control_port=None) as whole:
        rsa.add_key(whole.public_key_pem, old=False)
        whole.control.create_account({"phone": ANN, "firstName": "Ann"})
        whole.control.create_account({"phone": BOB, "firstName": "Bob"})
        yield whole


@pytest.fixture
async def login(sandbox: Sandbox) -> AsyncIterator[Login]:
    """Clients that are logged in, and let go of at the end."""
    clients = []

    async def make(phone: str = ANN, *, sign_in: bool = True, **options: Any) -> Any:
        session = MemorySession()
        session.set_dc(2, sandbox.host, sandbox.port)
        settings = {"request_retries": 1, "retry_delay": 0, "connection_retries": 20, **options}
        client = TelegramClient(session, 1, "hash", receive_updates=False, **settings)
        clients.append(client)
        await client.connect()
        await client.send_code_request(phone)
        if sign_in:
            await client.sign_in(phone, (sandbox.control.code(phone) or {})["code"])
        return client

    yield make
    for client in clients:
        await client.disconnect()


async def bob(client: Any) -> Any:
    found = await client(functions.contacts.ResolvePhoneRequest(BOB))
    return types.InputPeerUser(found.users[0].id, found.users[0].access_hash)


def sending(peer: Any, random_id: int) -> Any:
    return functions.messages.SendMessageRequest(peer, "hello", random_id=random_id)


def arrived(sandbox: Sandbox) -> list[str]:
    return [line["randomId"] for line in sandbox.control.ledger_messages() if line["text"] == "hello"]


async def test_rpc_error_and_flood_raise_telethons_own_exceptions(sandbox: Sandbox, login: Login) -> None:
    client = await login(flood_sleep_threshold=0)
    peer = await bob(client)
    await sandbox.dc.add_fault("rpc_error", {"phone": ANN, "method": SEND, "nth": 1}, {"name": "PEER_FLOOD"})
    with pytest.raises(errors.PeerFloodError):
        await client(sending(peer, 1))
    await sandbox.dc.add_fault("flood", {"phone": ANN, "method": SEND}, {"seconds": 86_400})
    with pytest.raises(errors.FloodWaitError) as caught:
        await client(sending(peer, 2))
    assert caught.value.seconds == 86_400
    assert arrived(sandbox) == []


@pytest.mark.parametrize(("verb", "committed"), [("drop_request", []), ("drop_reply_after_commit", ["7"])])
async def test_a_lost_send_hangs_and_its_repetition_arrives_once(
    sandbox: Sandbox, login: Login, verb: str, committed: list[str]
) -> None:
    client = await login()
    peer = await bob(client)
    await sandbox.dc.add_fault(verb, {"phone": ANN, "method": SEND, "attempt": 1})
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(client(sending(peer, 7)), 0.3)
    assert arrived(sandbox) == committed
    await client(sending(peer, 7))
    assert arrived(sandbox) == ["7"]


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("close_tcp", {}),
        ("close_tcp", {"when": "mid_frame"}),
        ("close_tcp", {"when": "after_n_bytes", "bytes": 9}),
        ("reset", {}),
        ("truncate_frame", {}),
        ("flip_bit", {}),
        ("bad_salt", {}),
        ("bad_msg", {"code": 32}),
        ("bad_msg", {"code": 33}),
        ("bad_msg", {"code": 16}),
        ("duplicate_reply", {}),
    ],
)
async def test_a_disturbed_send_arrives_exactly_once(
    sandbox: Sandbox, login: Login, verb: str, args: dict[str, Any]
) -> None:
    client = await login()
    peer = await bob(client)
    await sandbox.dc.add_fault(verb, {"phone": ANN, "method": SEND, "nth": 1}, args)
    first = asyncio.ensure_future(client(sending(peer, 7)))
    done, _ = await asyncio.wait({first}, timeout=0.5)
    if not done or first.exception() is not None:  # a frame was lost in a stream that stayed open
        first.cancel()
        await sandbox.dc.add_fault("close_tcp", {"phone": ANN})
    await asyncio.wait_for(client(sending(peer, 7)), 10)
    assert arrived(sandbox) == ["7"]


async def test_refuse_and_accept_and_stall_end_in_a_client_that_is_back(sandbox: Sandbox, login: Login) -> None:
    client = await login(connection_retries=100, timeout=0.3)
    client._sender._delay = 0.02
    peer = await bob(client)
    for number, verb in enumerate(("refuse", "accept_and_stall", "black_hole")):
        rule = await sandbox.dc.add_fault(verb)
        sending_one = asyncio.ensure_future(client(sending(peer, 100 + number)))
        done, _ = await asyncio.wait({sending_one}, timeout=0.2)
        assert not done
        await sandbox.dc.remove_fault(rule.number)
        await asyncio.wait_for(sending_one, 10)
    assert arrived(sandbox) == ["100", "101", "102"]


async def test_revoke_session_logs_out_one_and_no_other(sandbox: Sandbox, login: Login) -> None:
    ann, other = await login(), await login(BOB)
    await sandbox.dc.add_fault("revoke_session", {"phone": ANN})
    with pytest.raises(errors.AuthKeyUnregisteredError):
        await asyncio.wait_for(ann(functions.updates.GetStateRequest()), 10)
    assert await ann.get_me() is None
    assert (await other.get_me()).first_name == "Bob"
    await ann.send_code_request(ANN)
    await ann.sign_in(ANN, (sandbox.control.code(ANN) or {})["code"])
    assert (await ann.get_me()).first_name == "Ann"


async def test_expire_code_makes_the_right_code_too_late(sandbox: Sandbox, login: Login) -> None:
    client = await login(BOB, sign_in=False)
    code = (sandbox.control.code(BOB) or {})["code"]
    await sandbox.dc.add_fault("expire_code", {"phone": BOB})
    with pytest.raises(errors.PhoneCodeExpiredError):
        await client.sign_in(BOB, code)


async def test_a_login_can_be_disturbed_before_anybody_is_logged_in(sandbox: Sandbox, login: Login) -> None:
    await sandbox.dc.add_fault("rpc_error", {"phone": BOB, "method": "auth.sendCode"}, {"name": "PHONE_NUMBER_FLOOD"})
    await login(ANN)
    with pytest.raises(errors.PhoneNumberFloodError):
        await login(BOB)


async def test_transport_error_404_is_an_unknown_key(sandbox: Sandbox, login: Login) -> None:
    client = await login()
    await sandbox.dc.add_fault("transport_error", {"method": SEND}, {"code": -404})
    with pytest.raises(AuthKeyNotFound):
        await asyncio.wait_for(client(sending(await bob(client), 1)), 10)


async def test_a_client_whose_clock_is_wrong_works(sandbox: Sandbox, login: Login) -> None:
    await sandbox.dc.add_fault("clock_offset", None, {"seconds": 3600})
    client = await login()
    await client(sending(await bob(client), 1))
    assert arrived(sandbox) == ["1"]
