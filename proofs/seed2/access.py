"""The walk, first part: the service itself, who one is, and the sessions from login to deletion."""

from __future__ import annotations

import re
from typing import Any

from proofs.people import PASSWORD
from proofs.seed2 import contract as c
from proofs.seed2.town import ANN, CLOUD_PASSWORD, EVE, FAY, USER, Town, write_gramjs
from proofs.seed2.walk import Book, Client
from proofs.wire import until

WITHIN = 20.0
KEY = re.compile(r"tfb_[0-9a-f]{64}")


async def arrive(book: Book, url: str) -> Client:
    """Everything about access; the client that has a key afterwards."""
    nobody = Client(book, url)
    with book.step("GET /health") as step:
        told = await nobody.get("/health", c.HEALTH)
        step.agree("sessions up", told["sessions"]["active"], 0)
    with book.step("GET /version") as step:
        step.agree("name", (await nobody.get("/version", c.VERSION))["name"].lower(), "teleflow")
    key = token = ""
    with book.step("POST /auth/login") as step:
        await nobody.refused("POST", "/auth/login", 401, "UNAUTHORIZED", {"name": USER})
        told = await nobody.post("/auth/login", c.LOGIN, {"name": USER, "password": PASSWORD}, status=201)
        key, token = told["apiKey"], told["jwt"]
        step.agree("the key's form", bool(KEY.fullmatch(key)), True)
        step.agree("role", told["role"], "user")
    client, bearer = Client(book, url, key=key), Client(book, url, token=token)
    with book.step("GET /auth/me") as step:
        mine = await client.get("/auth/me", c.ME)
        step.agree("name", mine["name"], USER)
        step.agree("by key and by token", mine, await bearer.get("/auth/me", c.ME))
        await nobody.refused("GET", "/auth/me", 401, "UNAUTHORIZED")
    with book.step("POST /auth/logout") as step:
        further = await client.post("/auth/login", c.LOGIN, {"name": "further"}, status=201)
        one, other = Client(book, url, key=further["apiKey"]), Client(book, url, token=further["jwt"])
        step.agree("same user", (await one.get("/auth/me", c.ME))["id"], mine["id"])
        await one.post("/auth/logout", c.TOLD)
        await one.refused("GET", "/auth/me", 401, "UNAUTHORIZED")
        await other.refused("GET", "/auth/me", 401, "UNAUTHORIZED")
        step.agree("the other key lives", (await client.get("/auth/me", c.ME))["id"], mine["id"])
        for each in (one, other):
            await each.close()
    for each in (nobody, bearer):
        await each.close()
    return client


async def log_in(book: Book, town: Town, client: Client) -> str:
    """Ann's session, by code."""
    devices = (await town.account(ANN))["devices"]
    session = ""
    with book.step("POST /sessions") as step:
        begun = await client.post("/sessions", c.CODE, {"name": "Ann's", "phoneNumber": ANN}, status=201)
        session = begun["sessionId"]
        step.agree("a code was sent", bool(await town.code(ANN)), True)
    with book.step("POST /sessions/verify-code") as step:
        code = await town.code(ANN)
        body = {"sessionId": session, "phoneCode": code, "phoneCodeHash": begun["phoneCodeHash"]}
        wrong = {**body, "phoneCode": "".join(str((int(digit) + 1) % 10) for digit in code)}
        await client.refused("POST", "/sessions/verify-code", 400, "PHONE_CODE_INVALID", wrong)
        told = await client.post("/sessions/verify-code", c.STEP, body)
        step.agree("step", told, {**told, "sessionId": session, "step": "LOGGED_IN"})
        step.agree("one device more", (await town.account(ANN))["devices"], devices + 1)
    return session


async def sessions(book: Book, town: Town, client: Client, url: str, session: str) -> None:
    """Of Fay, who has a cloud password, and Eve, who comes from another program."""
    fay = await _with_password(book, town, client)
    await _on_and_off(book, town, client, fay)
    with book.step("POST /sessions/:id/export") as step:
        await client.refused("POST", f"/sessions/{fay}/export", 403, "FORBIDDEN", {"password": PASSWORD})
        login = await client.post("/auth/login", c.LOGIN, {"name": USER, "password": PASSWORD}, status=201)
        bearer = Client(book, url, token=login["jwt"])
        await bearer.refused("POST", f"/sessions/{fay}/export", 403, "REAUTH_REQUIRED", {"password": "not mine"})
        told = await bearer.post(f"/sessions/{fay}/export", c.EXPORTED, {"password": PASSWORD})
        await bearer.close()
        await client.post(f"/sessions/{fay}/disconnect", c.TOLD)
        opened = await town.opened(told["sessionString"])
        step.agree("Telethon on that key is Fay", (await opened.get_me()).id, town.ids["Fay"])
        await opened.disconnect()
        await client.post(f"/sessions/{fay}/connect", c.TOLD)
    with book.step("POST /sessions/import") as step:
        other = await town.device(EVE)
        text = write_gramjs(other.session)
        await other.disconnect()
        devices = (await town.account(EVE))["devices"]
        body = {"name": "Eve's", "sessionString": text}
        eve = (await client.post("/sessions/import", c.IMPORTED, body, status=201))["sessionId"]
        shown = await client.get(f"/sessions/{eve}", c.SESSION)
        step.agree("whose it is", shown["phoneNumber"].lstrip("+"), EVE.lstrip("+"))
        step.agree("no new device", (await town.account(EVE))["devices"], devices)
        again = {**body, "name": "Eve once more"}
        await client.refused("POST", "/sessions/import", 409, "SESSION_ALREADY_HERE", again)
    with book.step("GET /sessions") as step:
        listed = await client.get("/sessions", [c.SESSION])
        step.agree("newest first", [one["id"] for one in listed], [eve, fay, session])
        phones = [one["phoneNumber"].lstrip("+") for one in listed]
        step.agree("phones", phones, [phone.lstrip("+") for phone in (EVE, FAY, ANN)])
    with book.step("DELETE /sessions/:id") as step:
        devices = (await town.account(FAY))["devices"]
        await client.delete(f"/sessions/{fay}", c.TOLD)
        await client.refused("GET", f"/sessions/{fay}", 404, "SESSION_NOT_FOUND")
        step.agree("one device less", (await town.account(FAY))["devices"], devices - 1)


async def _with_password(book: Book, town: Town, client: Client) -> str:
    session = ""
    with book.step("POST /sessions/verify-password") as step:
        begun = await client.post("/sessions", c.CODE, {"name": "Fay's", "phoneNumber": FAY}, status=201)
        session = begun["sessionId"]
        body = {"sessionId": session, "phoneCode": await town.code(FAY), "phoneCodeHash": begun["phoneCodeHash"]}
        told = await client.post("/sessions/verify-code", c.STEP, body)
        step.agree("the password is asked for", told["step"], "PASSWORD_REQUIRED")
        given: dict[str, Any] = {"sessionId": session, "password": "wrong"}
        await client.refused("POST", "/sessions/verify-password", 400, "PASSWORD_INVALID", given)
        told = await client.post("/sessions/verify-password", c.STEP, {**given, "password": CLOUD_PASSWORD})
        step.agree("step", told["step"], "LOGGED_IN")
        step.agree("one device", (await town.account(FAY))["devices"], 1)
    return session


async def _on_and_off(book: Book, town: Town, client: Client, session: str) -> None:
    async def up() -> bool:
        lines = await town.sandbox.control.get(f"/ledger/connections?phone={FAY.replace('+', '%2B')}")
        return any(line["endedAt"] is None for line in lines)

    async def down() -> bool:
        return not await up()

    with book.step("GET /sessions/:id") as step:
        await until(up, WITHIN)
        shown = await client.get(f"/sessions/{session}", c.SESSION)
        facts = (shown["phoneNumber"].lstrip("+"), shown["isAuthorized"], shown["isActive"])
        step.agree("phone, authorised, active", facts, (FAY.lstrip("+"), True, True))
        await client.refused("GET", "/sessions/ses_unknown", 404, "SESSION_NOT_FOUND")
    with book.step("POST /sessions/:id/disconnect") as step:
        await client.post(f"/sessions/{session}/disconnect", c.TOLD)
        await until(down, WITHIN)
        step.agree("connections", await up(), False)
        await client.refused("POST", f"/sessions/{session}/disconnect", 400, "SESSION_NOT_CONNECTED")
        step.agree("active", (await client.get(f"/sessions/{session}", c.SESSION))["isActive"], False)
    with book.step("POST /sessions/:id/connect") as step:
        await client.post(f"/sessions/{session}/connect", c.TOLD)
        await until(up, WITHIN)
        await client.post(f"/sessions/{session}/connect", c.TOLD)
        step.agree("connections", await up(), True)
