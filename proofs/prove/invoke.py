"""Every method that the sandbox has registered is called through invoke, with parameters made from the layer's schema.

The parameters are whatever the JSON Schema allows: the least that it asks for, and in further rounds more of it. Each
call ends in Telegram's answer, in Telegram's refusal by its name, or in one of ours that says which field is wrong: no
failure of the service's own, whatever the method.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome
from proofs.people import PASSWORD, friend_of, friends, log_in, seeded
from proofs.process import ADMIN_PASSWORD, GatewayProcess, kept
from proofs.wire import Caller
from teleflow.sandbox.rpc.register import METHODS
from teleflow.telegram.tl import names

LAST = ("account.deleteAccount",)
"""What ends the account itself; and logins of this very session are only ended by number, which nobody guesses."""
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Scale:
    rounds: int


SHORT = Scale(rounds=1)
LONG = Scale(rounds=8)


async def run(scale: Scale, seed: int) -> Outcome:
    outcome, statuses, codes = Outcome(), Counter[int](), Counter[str]()
    findings: list[str] = []
    wanted = {name for name, kind in names.methods().items() if kind in METHODS}
    people = await seeded(1, tokens=True)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder)
        sandbox = people.sandbox(folder)
        await sandbox.start()
        gateway = GatewayProcess(folder, sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            (friend,) = await friends(sandbox, 1)
            club = {"title": "Club", "kind": "megagroup", "username": "the_club", "members": [friend]}
            await sandbox.control.post(f"/accounts/{people.people[0].phone}/act", {"do": "createChannel", **club})
            caller = await _as_admin(gateway, people.people[0].username, people.people[0].token)
            (session,) = (await caller.get("/api/v1/sessions"))["data"]
            schemas = Schemas(caller, random.Random(seed), friend)
            for number in range(scale.rounds):
                for method in sorted(wanted, key=lambda name: (name in LAST, name)):
                    if method in LAST and number < scale.rounds - 1:
                        continue
                    params = await schemas.params(method, more=number > 0)
                    reply = await caller.ask(
                        "POST", f"/api/v1/sessions/{session['id']}/invoke", {"method": method, "params": params}
                    )
                    statuses[reply.status] += 1
                    code = "" if reply.status == 200 else reply.json()["error"]["code"]
                    codes[code] += bool(code)
                    if reply.status >= 500 and reply.status != 502:
                        findings.append(f"{method}: {reply.status} {code}")
                    if code.startswith("SESSION_"):
                        findings.append(f"{method}: could not be asked, {code}")
            asked = {line["method"] for line in await sandbox.control.get("/ledger/calls?limit=1000000")}
            caller.close()
    outcome.fact("methods of the sandbox, calls", f"{len(wanted)}, {statuses.total()}")
    outcome.fact("answers by status", ", ".join(f"{status} ×{count}" for status, count in sorted(statuses.items())))
    outcome.fact("refusals by code", ", ".join(f"{code} ×{count}" for code, count in codes.most_common(12) if code))
    outcome.fact("methods that reached the data centre", len(wanted & asked))
    outcome.exactly("failures of our own (5xx but 502), or of the session", 0, len(findings))
    outcome.notes += findings[:20]
    outcome.loop(gateway.lag)
    return outcome


async def _as_admin(gateway: GatewayProcess, username: str, token: str) -> Caller:
    """The caller of this user, who may call dangerous methods too."""
    caller, admin = gateway.caller(token), gateway.caller(await log_in(gateway.port, "admin", ADMIN_PASSWORD))
    me = (await caller.get("/api/v1/auth/me"))["data"]
    reply = await admin.ask("PATCH", f"/api/v1/users/{me['id']}", {"role": "admin"})
    if reply.status != 200:
        raise RuntimeError(f"{username} is no admin: {reply.body[:200]!r}")
    admin.close()
    caller.close()
    return gateway.caller(await log_in(gateway.port, username, PASSWORD))


class Schemas:
    """Parameters from schemas, which are asked for over the API as any client would."""

    def __init__(self, caller: Caller, chance: random.Random, friend: str) -> None:
        self._caller = caller
        self._chance = chance
        self._refs = {"InputChannel": ("@the_club",), "InputUser": ("me", friend)}
        self._known: dict[str, Any] = {}

    async def params(self, method: str, *, more: bool) -> dict[str, Any]:
        told = (await self._caller.get(f"/api/v1/tl/methods/{method}"))["data"]
        made: dict[str, Any] = await self._value(told["schema"], 0, more=more)
        return made

    async def _value(self, schema: dict[str, Any], depth: int, *, more: bool) -> Any:
        chance = self._chance
        if "$ref" in schema:
            return await self._of_type(schema["$ref"], depth, more=more)
        if "anyOf" in schema:
            refs = [one for one in schema["anyOf"] if "$ref" not in one]
            if refs:
                wanted = schema["anyOf"][0]["$ref"].rpartition("/")[2]
                return chance.choice(self._refs.get(wanted, ("me", friend_of(0), "@the_club")))
            return await self._value(schema["anyOf"][0], depth, more=more)
        if "const" in schema:
            return schema["const"]
        kinds = schema.get("type", "object")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        if kind == "object":
            named = schema.get("properties", {})
            chosen = set(schema.get("required", ()))
            chosen |= {name for name in named if more and depth < 2 and chance.random() < 0.2}
            for name in list(chosen):
                chosen.update(schema.get("dependentRequired", {}).get(name, ()))
            return {name: await self._value(one, depth, more=more) for name, one in named.items() if name in chosen}
        if kind == "array":
            count = 0 if depth >= _DEEPEST else chance.randint(0, 2)
            return [await self._value(schema["items"], depth + 1, more=more) for _ in range(count)]
        if kind == "string":
            texts = ["", "abcd", "QUJD", str(chance.randint(1, 2**40)), "A" * 22 + "==", "A" * 43 + "="]
            return chance.choice([text for text in texts if re.search(schema.get("pattern", ""), text)])
        if kind == "boolean":
            return chance.random() < 0.5
        return chance.choice([0, 1, 5, 1_000]) if kind == "integer" else chance.uniform(-90, 90)

    async def _of_type(self, path: str, depth: int, *, more: bool) -> Any:
        if path not in self._known:
            self._known[path] = (await self._caller.get(path))["data"]["schema"]["oneOf"]
        forms = self._known[path]
        if depth >= _DEEPEST:  # what needs least ends soonest
            form = min(forms, key=lambda one: len(one.get("required", ())))
        else:
            form = self._chance.choice(forms)
        return await self._value(form, depth + 1, more=more)
