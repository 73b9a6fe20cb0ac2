"""No user makes the service connect to what they may not reach, whatever they write into a webhook.

Each row of the table is tried on a running gateway, whose lookups are a resolver of the proof's own that lies as
attackers' do. Traps listen on the loopback addresses: no connection is ever made to one. The operator has opened
127.0.0.2 and no other address, where endpoints misbehave in every way; that they are reached shows that the rest could.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.certificates import Authority
from proofs.machine import rss_kib
from proofs.outcome import Outcome
from proofs.people import PASSWORD, log_in
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller

V1 = "/api/v1"
OPEN = "127.0.0.2"
ATTEMPT_WITHIN = 11.0
MEMORY_MB = 50.0
PUBLIC = "93.184.216.34"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_SAID = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Scale:
    tests: int


SHORT = Scale(tests=100)
LONG = Scale(tests=1_000)

# What is refused when it is written: each host with the trap's port.
HOSTS = {
    "S01": (
        *(
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0",
            "①②⑦.0.0.1",
            "127。0。0。1",
            "localhost",
        ),
        *("127.0.0.1.", "0x7f.1"),
    ),
    "S02": (
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]"),
        *("[2002:7f00:1::]", "[fec0::1]", "[5f00::1]", "[fe80::1%25lo]"),
    ),
    "S03": ("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "192.0.0.192", "metadata.internal.test"),
    "S04": (
        *("10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"),
        *("100.64.0.0", "100.127.255.255", "192.0.0.0", "198.18.0.0", "198.19.255.255", "224.0.0.1"),
        *("239.255.255.255", "240.0.0.0", "255.255.255.255", "0.255.255.255", "127.0.0.3"),
    ),
    "S06": ("both.test", "aaaa.test"),
}
FORMS = {
    "S08": (
        "http://good.example@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}#@good.example",
        "http://good.example\\@127.0.0.1:{port}",
        "http://good\t.example/",
        "http://good\n.example/",
        "http:/\\127.0.0.1:{port}",
        "hTtP://127.0.0.1:{port}/",
    ),
    "S09": (
        "file:///etc/passwd",
        "gopher://a.example",
        "ftp://a.example",
        "data:,x",
        "ws://a.example",
        "unix:/x",
        "x.test",
    ),
    "S10": tuple(f"http://{PUBLIC}:{port}/" for port in (22, 25, 6379, 5432, 11211, 0, 65536, -1)),
    "S13": ("http://user:word@127.0.0.2/", f"https://user@{PUBLIC}/"),
    "S16": ("http://a.example/" + "x" * 65_536, "http://", "http://.", "http://" + "u" * 32_768 + "@a.example/"),
}
HEADERS = (
    {"X-A": "b\r\nHost: x"},
    {"Host": "x"},
    {"webhook-id": "x"},
    {"Authorization": "x"},
    {"Content-Length": "1"},
    {"Transfer-Encoding": "chunked"},
)


@dataclass
class Server:
    """Counts who connects, and says what it is made to say."""

    talk: Talk
    listens_first: bool = True
    connections: int = 0
    port: int = 0
    servers: list[Any] = field(default_factory=list)

    async def listen(self, host: str, port: int = 0, tls: Any = None) -> Server:
        server = await asyncio.start_server(self._meet, host, port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        self.servers.append(server)
        return self

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if self.listens_first:
                await reader.readuntil(b"\r\n\r\n")
            await self.talk(reader, writer)
        writer.close()


def saying(raw: bytes) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return talk


def dripping(first: bytes, again: bytes, pause: float) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for _ in range(1_000_000):
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause)

    return talk


async def run(scale: Scale, _seed: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        authority = Authority(folder)
        names = folder / "names.json"
        sandbox = SandboxProcess(folder / "sandbox", pq_bits=30)
        await sandbox.start()
        gateway = GatewayProcess(
            folder / "gateway",
            sandbox.info,
            WEBHOOK_ALLOW_NETS=f"{OPEN}/32",
            RATE_LIMIT_MAX="0",
            WEBHOOKS_PER_USER="1000",
            PROOF_NAMES_FILE=str(names),
            SSL_CERT_FILE=str(authority.file),
        )
        trap = await Server(saying(_SAID)).listen("127.0.0.1")
        with suppress(OSError):  # a machine without IPv6
            await trap.listen("::1", trap.port)
        names.write_text(
            json.dumps(
                {
                    "localhost": [["127.0.0.1"]],
                    "metadata.internal.test": [["169.254.169.254"]],
                    "both.test": [[PUBLIC, "127.0.0.1"]],
                    "aaaa.test": [[PUBLIC, "::1"]],
                    "rebinding.test": [[PUBLIC], ["127.0.0.1"]],
                    "open.test": [[OPEN]],
                }
            )
        )
        async with kept(gateway, sandbox):
            await gateway.start()
            stage = await Stage.set_up(gateway, trap)
            try:
                await stage.written(outcome)
                await stage.sent(outcome)
                await stage.misbehaving(outcome)
                await stage.tls(outcome, authority)
                await stage.others(outcome, scale)
            finally:
                stage.close()
            outcome.exactly("connections to what is not allowed", 0, trap.connections)
            outcome.loop(gateway.lag)
    return outcome


class Stage:
    """A user who tries everything."""

    def __init__(self, gateway: GatewayProcess, trap: Server, caller: Caller) -> None:
        self._gateway = gateway
        self._trap = trap
        self._caller = caller
        self._servers: list[Server] = [trap]

    @classmethod
    async def set_up(cls, gateway: GatewayProcess, trap: Server) -> Stage:
        admin = gateway.caller(await log_in(gateway.port, "admin", ADMIN_PASSWORD))
        await admin.post(f"{V1}/users", {"name": "eve", "password": PASSWORD})
        admin.close()
        return cls(gateway, trap, gateway.caller(await log_in(gateway.port, "eve", PASSWORD)))

    def close(self) -> None:
        self._caller.close()
        for one in self._servers:
            for server in one.servers:
                server.close()

    async def _made(self, url: str, **more: Any) -> tuple[int, str, str]:
        """(status, code, id)"""
        reply = await self._caller.ask("POST", f"{V1}/webhooks", {"url": url, "events": ["*"], **more})
        told = reply.json()
        return reply.status, told.get("error", {}).get("code", ""), told.get("data", {}).get("id", "")

    async def tried(self, url: str) -> dict[str, Any]:
        """A test of a webhook that is taken: how the attempt ended, `took` seconds."""
        status, code, id_ = await self._made(url)
        if status != 201:
            return {"error": f"{status} {code}", "took": 0.0, "response": ""}
        return await self._tested(id_)

    async def _tested(self, id_: str) -> dict[str, Any]:
        began = time.monotonic()
        told = (await self._caller.ask("POST", f"{V1}/webhooks/{id_}/test")).json()["data"]
        return {**told, "took": time.monotonic() - began}

    async def _serve(self, talk: Talk, tls: Any = None, *, listens_first: bool = True) -> Server:
        server = await Server(talk, listens_first).listen(OPEN, tls=tls)
        self._servers.append(server)
        return server

    async def written(self, outcome: Outcome) -> None:
        port = self._trap.port
        urls = {row: [f"http://{host}:{port}/" for host in hosts] for row, hosts in HOSTS.items()}
        urls |= {row: [form.format(port=port) for form in forms] for row, forms in FORMS.items()}
        for row, written in sorted(urls.items()):
            other = [url[:60] for url in written if not _refused(*(await self._made(url))[:2], url)]
            outcome.exactly(f"{row}: of {len(written)} URLs, not refused as URL_NOT_ALLOWED", 0, len(other))
            for url in other:
                outcome.fact("  taken", url)
        odd = [one for one in HEADERS if (await self._made(f"http://{OPEN}/", headers=one))[1] != "HEADER_NOT_ALLOWED"]
        outcome.exactly(f"S12: of {len(HEADERS)} headers, not refused", 0, len(odd))

    async def sent(self, outcome: Outcome) -> None:
        control = await self._serve(saying(_SAID))
        told = await self.tried(f"http://open.test:{control.port}/")
        outcome.exactly("what is allowed, by name: reached (else nothing here proves anything)", 1, control.connections)
        outcome.exactly("  and delivered", 200, told.get("status") or 0)
        status, _, id_ = await self._made(f"http://rebinding.test:{self._trap.port}/")
        told = await self._tested(id_) if status == 201 else {"error": f"not taken: {status}"}
        _same(
            outcome, "S05: a name that is public when written, internal when sent to", "BLOCKED_ADDRESS", told["error"]
        )
        bad = 0
        for code in (301, 302, 307, 308):
            to = f"http://127.0.0.1:{self._trap.port}/".encode()
            raw = b"HTTP/1.1 %d Moved\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % (code, to)
            told = await self.tried(f"http://{OPEN}:{(await self._serve(saying(raw))).port}/")
            bad += (told["status"], told["success"]) != (code, False)
        outcome.exactly("S07: of 4 redirects, followed or taken for a success", 0, bad)
        told = await self.tried(f"http://127.0.0.1:{self._gateway.port}/")
        _same(outcome, "S11: our own address", "422 URL_NOT_ALLOWED", told["error"])

    async def misbehaving(self, outcome: Outcome) -> None:
        ok = b"HTTP/1.1 200 OK\r\n"
        bomb = gzip.compress(b"\0" * 50_000_000)
        ways: dict[str, Talk] = {
            "a body without end": dripping(ok + b"\r\n", b"x" * 262_144, 0),
            "headers without end": dripping(ok, b"".join(b"x-%d: y\r\n" % n for n in range(1000)), 0),
            "a byte every second": dripping(ok + b"content-length: 100\r\n\r\n", b"x", 1),
            "100 Continue without end": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0),
            "a gzip bomb": saying(ok + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb) + bomb),
            "chunks that are none": saying(ok + b"transfer-encoding: chunked\r\n\r\nzz\r\n"),
            "no answer": dripping(b"", b"", 1),
        }
        before = rss_kib(self._gateway.pid) / 1024
        urls = {name: f"http://{OPEN}:{(await self._serve(talk)).port}/" for name, talk in ways.items()}
        found = dict(zip(urls, await asyncio.gather(*[self._own_try(url) for url in urls.values()]), strict=True))
        slowest = max(one["took"] for one in found.values())
        outcome.at_most(f"S14: {len(ways)} receivers that misbehave: the longest attempt", ATTEMPT_WITHIN, slowest, "s")
        for name, one in found.items():
            outcome.fact(f"  {name}", f"{one['status'] or one['error']} after {one['took']:.1f} s")
        longest = max(len(one["response"] or "") for one in found.values())
        outcome.at_most("  the longest response kept", 8_192, longest, "characters")
        outcome.at_most("  memory", MEMORY_MB, rss_kib(self._gateway.pid) / 1024 - before, "MB")

    async def _own_try(self, url: str) -> dict[str, Any]:
        """On a connection of its own, beside others."""
        caller = self._gateway.caller(self._caller.token or "")
        try:
            return await Stage(self._gateway, self._trap, caller).tried(url)
        finally:
            caller.close()

    async def tls(self, outcome: Outcome, authority: Authority) -> None:
        good = await self._serve(saying(_SAID), authority.context(OPEN))
        told = await self.tried(f"https://{OPEN}:{good.port}/")
        outcome.exactly("TLS with a good certificate: delivered", 200, told["status"] or 0)
        bad = {
            "self-signed": authority.context(OPEN, self_signed=True),
            "wrong name": authority.context("127.0.0.9"),
            "expired": authority.context(OPEN, expired=True),
            "no TLS": None,
        }
        told_otherwise = {}
        for name, context in bad.items():
            server = await self._serve(saying(_SAID), context, listens_first=context is not None)
            error = (await self.tried(f"https://{OPEN}:{server.port}/"))["error"]
            if error != "TLS_ERROR":
                told_otherwise[name] = error
        outcome.exactly(f"S15: of {len(bad)} ({', '.join(bad)}), not TLS_ERROR", 0, len(told_otherwise))
        if told_otherwise:
            outcome.fact("  but", told_otherwise)

    async def others(self, outcome: Outcome, scale: Scale) -> None:
        body = {
            "name": "s",
            "phoneNumber": "+15550420000",
            "proxy": {"type": "socks5", "host": "127.0.0.1", "port": 1080},
        }
        reply = await self._caller.ask("POST", f"{V1}/sessions", body)
        _same(
            outcome, "S19: a proxy in a private network", "422 PROXY_INVALID", f"{reply.status} {_code(reply.json())}"
        )
        kinds = []
        for port in (self._trap.port, 1026, 9998):
            reply = await self._caller.ask(
                "POST", f"{V1}/webhooks", {"url": f"http://127.0.0.1:{port}/", "events": ["*"]}
            )
            kinds.append((reply.status, _code(reply.json()), reply.json()["detail"]))
        outcome.exactly("S20, S21: kinds of answers about open and closed internal ports", 1, len(set(kinds)))
        control = await self._serve(saying(_SAID))
        _, _, id_ = await self._made(f"http://{OPEN}:{control.port}/")
        statuses = [(await self._caller.ask("POST", f"{V1}/webhooks/{id_}/test")).status for _ in range(scale.tests)]
        outcome.at_most(f"S22: of {scale.tests} tests in a row, sent", 30, statuses.count(200))
        outcome.exactly("  others not answered 429", 0, len(statuses) - statuses.count(200) - statuses.count(429))
        outcome.notes.append("S17, S18 (media by URL): the service fetches nothing by URL but what webhooks name.")


def _refused(status: int, code: str, url: str) -> bool:
    """What is far too long is no value of the field at all."""
    return status == 422 and code == ("URL_NOT_ALLOWED" if len(url) <= 2048 else "VALIDATION_ERROR")


def _same(outcome: Outcome, what: str, wanted: str, told: Any) -> None:
    outcome.exactly(f"{what}: not {wanted}", 0, int(told != wanted))
    if told != wanted:
        outcome.fact("  but", told)


def _code(told: dict[str, Any]) -> str:
    return str(told.get("error", {}).get("code", ""))
