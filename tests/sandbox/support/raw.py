"""A small MTProto client that can do everything wrong: message ids, numbers, salts and bodies are the caller's.

Shares no code with the server, apart from the TL codec and the AES of a library.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import struct
from hashlib import sha1, sha256
from typing import Any, NamedTuple

import cryptg
from cryptography.hazmat.primitives import serialization
from telethon.extensions import BinaryReader
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from tests.sandbox.support.framings import Wire

WAIT = 5.0
RPC_RESULT, GZIP, CONTAINER = 0xF35C6D01, 0x3072CFA1, 0x73F1F8DC
BAD_MSG, BAD_SALT, PONG, ACK = 0xA7EFF811, 0xEDAB447B, 0x347773C5, 0x62D6B459
NEW_SESSION, STATE_INFO, DETAILED = 0x9EC20908, 0x04DEB57D, 0x276D3EC6


class Message(NamedTuple):
    msg_id: int
    seq: int
    body: bytes

    @property
    def kind(self) -> int:
        return int.from_bytes(self.body[:4], "little")


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def raw(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def factors(product: int) -> tuple[int, int]:
    p, q = cryptg.factorize_pq_pair(product)
    return min(p, q), max(p, q)


def old_padding(data: bytes, n: int, e: int) -> bytes:
    block = sha1(data).digest() + data
    block += os.urandom(255 - len(block))
    return pow(number(block), e, n).to_bytes(256, "big")


def rsa_pad(data: bytes, n: int, e: int) -> bytes:
    padded = data + os.urandom(192 - len(data))
    while True:
        key = os.urandom(32)
        text = padded[::-1] + sha256(key + padded).digest()
        sealed = cryptg.encrypt_ige(text, key, bytes(32))
        mask = sha256(sealed).digest()
        block = bytes(a ^ b for a, b in zip(key, mask, strict=True)) + sealed
        if number(block) < n:
            return pow(number(block), e, n).to_bytes(256, "big")


class RawClient:
    """One connection, one key, one session."""

    def __init__(self, dc: Any, framing: str = "full") -> None:
        self.dc = dc
        self.framing = framing
        self.key = b""
        self.salt = 0
        self.session = int.from_bytes(os.urandom(8), "little", signed=True)
        self.content = 0
        self.last_id = 0
        self.queue: list[Message] = []
        self.padding = rsa_pad
        self.public_key: tuple[str, int] | None = None
        """A key to use instead of the first: its PEM and its place among the fingerprints."""
        self.introduced = True
        """Whether the server takes it that `initConnection` has been sent; most tests are about something else."""

    async def connect(self, source: str | None = None) -> RawClient:
        """Open a connection, from the address `source`."""
        local = None if source is None else (source, 0)
        opening = asyncio.open_connection(self.dc.host, self.dc.port, local_addr=local)
        reader, writer = await asyncio.wait_for(opening, WAIT)
        self.wire = Wire(self.framing, reader, writer)
        return self

    async def reconnect(self) -> None:
        self.close()
        await self.connect()

    def close(self) -> None:
        self.wire.writer.close()

    async def closed(self) -> bytes:
        """Whatever still comes, until the server closes."""
        return await asyncio.wait_for(self.wire.reader.read(-1), WAIT)

    # Key exchange.

    async def ask_plain(self, request: Any) -> Any:
        body = bytes(request)
        self.wire.send(struct.pack("<qqi", 0, self.next_id(), len(body)) + body)
        answer = await asyncio.wait_for(self.wire.receive(), WAIT)
        if len(answer) == 4:
            return struct.unpack("<i", answer)[0]
        assert answer[:8] == bytes(8)
        assert struct.unpack_from("<q", answer, 8)[0] & 3 == 1
        return BinaryReader(answer[20:]).tgread_object()

    async def exchange(self, inner: Any = types.PQInnerData, **fields: Any) -> Any:
        """Make a key. Returns the server's last word."""
        nonce = int.from_bytes(os.urandom(16), "little", signed=True)
        pq = await self.ask_plain(functions.ReqPqMultiRequest(nonce))
        p, q = factors(number(pq.pq))
        self.new_nonce = os.urandom(32)
        both = {"nonce": nonce, "server_nonce": pq.server_nonce}
        data = bytes(
            inner(
                pq=pq.pq,
                p=raw(p),
                q=raw(q),
                new_nonce=int.from_bytes(self.new_nonce, "little", signed=True),
                **both,
                **fields,
            )
        )
        pem, position = self.public_key or (self.dc.public_key_pem, 0)
        public = serialization.load_pem_public_key(pem.encode()).public_numbers()
        sealed = self.padding(data, public.n, public.e)
        request = functions.ReqDHParamsRequest(
            p=raw(p), q=raw(q), public_key_fingerprint=pq.server_public_key_fingerprints[position],
            encrypted_data=sealed, **both,
        )  # fmt: skip
        offer = await self.ask_plain(request)
        if not isinstance(offer, types.ServerDHParamsOk):
            return offer
        return await self._finish(offer, both)

    async def _finish(self, offer: Any, both: dict[str, int]) -> Any:
        new, server = self.new_nonce, both["server_nonce"].to_bytes(16, "little", signed=True)

        def digest(data: bytes) -> bytes:
            return sha1(data).digest()

        aes_key = digest(new + server) + digest(server + new)[:12]
        aes_iv = digest(server + new)[12:] + digest(new + new) + new[:4]
        text = cryptg.decrypt_ige(offer.encrypted_answer, aes_key, aes_iv)
        inner = BinaryReader(text[20:]).tgread_object()
        assert digest(bytes(inner)) == text[:20]
        prime, b = number(inner.dh_prime), number(os.urandom(256))
        self.server_time = inner.server_time
        answer = bytes(types.ClientDHInnerData(retry_id=0, g_b=self.public_half(inner.g, b, prime), **both))
        answer = digest(answer) + answer
        answer += os.urandom(-len(answer) % 16)
        sealed = cryptg.encrypt_ige(answer, aes_key, aes_iv)
        done = await self.ask_plain(functions.SetClientDHParamsRequest(encrypted_data=sealed, **both))
        if isinstance(done, types.DhGenOk):
            self.key = pow(number(inner.g_a), b, prime).to_bytes(256, "big")
            expected = digest(new + b"\1" + digest(self.key)[:8])[4:]
            assert done.new_nonce_hash1.to_bytes(16, "little", signed=True) == expected
            first = bytes(x ^ y for x, y in zip(new[:8], server[:8], strict=True))
            self.salt = int.from_bytes(first, "little", signed=True)
            if self.introduced:
                standing = self.dc.keys.get(self.key_id).standing
                standing.layer, standing.introduced = LAYER, True
        return done

    @property
    def key_id(self) -> int:
        return int.from_bytes(sha1(self.key).digest()[12:], "little")

    def public_half(self, g: int, b: int, prime: int) -> bytes:
        return raw(pow(g, b, prime))

    # Messages.

    def next_id(self, ahead: float = 0) -> int:
        """A message id of now, or of another time (which does not count as used)."""
        moment = int((self.dc.clock.time() + ahead) * 2**32) & ~3
        if ahead:
            return moment
        self.last_id = max(self.last_id + 4, moment)
        return self.last_id

    def next_seq(self, *, content: bool) -> int:
        seq = self.content * 2 + content
        self.content += content
        return seq

    def _cipher(self, message_key: bytes, x: int) -> tuple[bytes, bytes]:
        a = sha256(message_key + self.key[x : x + 36]).digest()
        b = sha256(self.key[x + 40 : x + 76] + message_key).digest()
        return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]

    def seal(self, plain: bytes, padding: int | None = None) -> bytes:
        if padding is None:
            padding = 12 + -(len(plain) + 12) % 16
        plain += os.urandom(padding)
        self.ack_token = int.from_bytes(sha256(self.key[88:120] + plain).digest()[:4], "little") | 0x80000000
        message_key = sha256(self.key[88:120] + plain).digest()[8:24]
        return sha1(self.key).digest()[12:] + message_key + cryptg.encrypt_ige(plain, *self._cipher(message_key, 0))

    def send(
        self,
        body: bytes | Any,
        *,
        content: bool = True,
        msg_id: int | None = None,
        seq: int | None = None,
        salt: int | None = None,
        quick_ack: bool = False,
    ) -> int:
        """Send one message; returns its id."""
        body = bytes(body)
        msg_id = self.next_id() if msg_id is None else msg_id
        seq = self.next_seq(content=content) if seq is None else seq
        head = struct.pack("<qqqii", self.salt if salt is None else salt, self.session, msg_id, seq, len(body))
        self.wire.send(self.seal(head + body), quick_ack=quick_ack)
        return msg_id

    def send_container(self, *bodies: Any, msg_id: int | None = None) -> list[int]:
        """Send several messages in one; returns their ids and, last, the container's."""
        ids, inside = [], b""
        for body in map(bytes, bodies):
            ids.append(self.next_id())
            inside += struct.pack("<qii", ids[-1], self.next_seq(content=True), len(body)) + body
        container = struct.pack("<Ii", CONTAINER, len(bodies)) + inside
        ids.append(self.send(container, content=False, msg_id=msg_id))
        return ids

    async def receive(self) -> Message:
        """The next message; containers are taken apart."""
        while not self.queue:
            packet = await asyncio.wait_for(self.wire.receive(), WAIT)
            assert len(packet) > 4, struct.unpack("<i", packet)
            assert packet[:8] == sha1(self.key).digest()[12:]
            plain = cryptg.decrypt_ige(packet[24:], *self._cipher(packet[8:24], 8))
            assert sha256(self.key[96:128] + plain).digest()[8:24] == packet[8:24]
            _, session, msg_id, seq, length = struct.unpack_from("<qqqii", plain)
            assert session == self.session
            assert 12 <= len(plain) - 32 - length <= 1024
            self._take(Message(msg_id, seq, plain[32 : 32 + length]))
        return self.queue.pop(0)

    def _take(self, message: Message) -> None:
        assert message.msg_id & 1
        if message.kind != CONTAINER:
            self.queue.append(message)
            return
        position = 8
        for _ in range(struct.unpack_from("<i", message.body, 4)[0]):
            msg_id, seq, length = struct.unpack_from("<qii", message.body, position)
            position += 16
            assert msg_id < message.msg_id
            self.queue.append(Message(msg_id, seq, message.body[position : position + length]))
            position += length

    async def wait_for(self, kind: int) -> Message:
        """The next message of this kind; others are dropped."""
        while True:
            message = await self.receive()
            if message.kind == kind:
                return message

    async def result(self, request: int) -> Any:
        """The answer to a request: an object, or types.RpcError."""
        body = (await self.result_message(request)).body[12:]
        if int.from_bytes(body[:4], "little") == GZIP:
            body = gzip.decompress(BinaryReader(body[4:]).tgread_bytes())
        return BinaryReader(body).tgread_object()

    async def result_message(self, request: int) -> Message:
        while True:
            message = await self.wait_for(RPC_RESULT)
            if struct.unpack_from("<q", message.body, 4)[0] == request:
                return message

    async def call(self, request: Any) -> Any:
        return await self.result(self.send(request))

    async def ping(self) -> None:
        """Everything sent so far has been dealt with when this returns."""
        ping = self.send(functions.PingRequest(7))
        while struct.unpack_from("<q", (await self.wait_for(PONG)).body, 4)[0] != ping:
            pass


async def signed(dc: Any, framing: str = "full") -> RawClient:
    """A client with a key and the right salt."""
    client = await RawClient(dc, framing).connect()
    assert isinstance(await client.exchange(), types.DhGenOk)
    return client


def introduction(request: Any, layer: int = LAYER) -> Any:
    """`request` as the first one of a client."""
    about = functions.InitConnectionRequest(7, "device", "system", "1.0", "en", "", "en", request)
    return functions.InvokeWithLayerRequest(layer, about)
