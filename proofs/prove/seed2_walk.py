"""A client written for the older gateway runs unchanged: every route, for every kind of chat, and what is answered is
what two unmodified Telethons and the sandbox's ledger see.

It is plain httpx2 with an API key, says nothing beyond the contract's fields, and checks every field that it reads.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome, Row
from proofs.people import PASSWORD
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.seed2 import access, chats
from proofs.seed2.contract import KINDS, ROUTES
from proofs.seed2.messages import Messages
from proofs.seed2.town import USER, Town
from proofs.seed2.walk import Book, Client

SCRIPT = Path(__file__).resolve().parent.parent / "seed2" / "client.mjs"


@dataclass(frozen=True, slots=True)
class Scale:
    """There is one size."""


SHORT = LONG = Scale()


async def run(scale: Scale, seed: int) -> Outcome:
    del scale, seed
    book, outcome = Book(), Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info)
        async with kept(gateway, sandbox):
            await gateway.start()
            town = Town(gateway, sandbox)
            try:
                await town.settle()
                await _walk(book, town)
                node = await _in_node(town)
            finally:
                await town.close()
    outcome.rows += book.rows
    outcome.rows.append(node)
    wanted = {(route, kind) for route, kinds in ROUTES.items() for kind in kinds}
    outcome.fact("requests", book.asked)
    missing = sorted(f"{route} {kind}" for route, kind in wanted - book.walked)
    outcome.exactly("routes × kinds of chat walked to their end", len(wanted), len(wanted & book.walked))
    outcome.exactly("rows that disagree", 0, sum(1 for row in outcome.rows if row.holds is False))
    if missing:
        outcome.fact("  not walked", ", ".join(missing)[:300])
    return outcome


async def _walk(book: Book, town: Town) -> None:
    url = f"http://127.0.0.1:{town.gateway.port}"
    client: Client = await access.arrive(book, url)
    try:
        session = await access.log_in(book, town, client)
        for kind in KINDS:
            await Messages(book, town, client, session, kind).walk()
        await chats.chats(book, town, client, session)
        await chats.come_and_go(book, town, client, session)
        await chats.job(book, town, client, session)
        await access.sessions(book, town, client, url, session)
    finally:
        await client.close()


async def _in_node(town: Town) -> Row:
    """The core of it once more, by `fetch` in Node."""
    what = "the core in Node's fetch"
    node = shutil.which("node")
    if node is None:
        return Row(what, "", "there is no node here", None)
    given = {"url": f"http://127.0.0.1:{town.gateway.port}", "name": USER, "password": PASSWORD, "chat": "@bob_walks"}
    child = await asyncio.create_subprocess_exec(
        node, str(SCRIPT), json.dumps(given), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, errors = await child.communicate()
    if child.returncode != 0:
        return Row(what, "agreed", (errors or out).decode("utf-8", "replace").strip()[-300:], holds=False)
    told: dict[str, Any] = json.loads(out)
    line = await town.line(told["text"])
    same = (line["fromMessageId"], str(line["toId"])) == (told["id"], told["chatId"])
    seen = await town.seen(town.bob, "private", told["edited"])
    return Row(what, "agreed", f"{told['asked']} requests; ledger: number, chat", same and seen is not None)
