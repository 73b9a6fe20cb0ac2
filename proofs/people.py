"""People for a proof: accounts in the sandbox, users of the service, each logged in by code as a person would.

`by_http` does all of it through a running service. `seeded` does the same in this process, through the service's
own use cases and real key exchanges, for hundreds of sessions; hashing one password a hundred times proves nothing,
so that one hash is shared.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs import databases
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess, environment, free_port
from proofs.wire import Caller

PASSWORD = "a proof's password"
FIRST_PHONE = 15_550_200_000
FIRST_FRIEND = 15_550_900_000


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the service with an account of their own."""

    username: str
    phone: str
    token: str = ""


def phone_of(number: int) -> str:
    return f"+{FIRST_PHONE + number}"


def friend_of(number: int) -> str:
    return f"+{FIRST_FRIEND + number}"


async def friends(sandbox: SandboxProcess, count: int) -> list[str]:
    """Accounts that only receive."""
    phones = [friend_of(number) for number in range(count)]
    for number, phone in enumerate(phones):
        await sandbox.control.post("/accounts", {"phone": phone, "firstName": f"Friend{number}"})
    return phones


async def by_http(
    gateway: GatewayProcess, sandbox: SandboxProcess, count: int, *, cloud_password: str | None = None, first: int = 0
) -> list[Person]:
    """`count` people, signed in at the service and at the data centre."""
    admin = gateway.caller(await log_in(gateway.port, "admin", ADMIN_PASSWORD))
    found = []
    for number in range(first, first + count):
        person = await register(admin, sandbox, number, cloud_password=cloud_password)
        token = await log_in(gateway.port, person.username, PASSWORD)
        caller = gateway.caller(token)
        await verify(caller, sandbox, person.phone, cloud_password=cloud_password)
        caller.close()
        found.append(Person(person.username, person.phone, token))
    admin.close()
    return found


async def register(admin: Caller, sandbox: SandboxProcess, number: int, *, cloud_password: str | None = None) -> Person:
    """An account at the data centre and a user here; nobody is logged in yet."""
    phone, username = phone_of(number), f"user{number}"
    account: dict[str, Any] = {"phone": phone, "firstName": f"User{number}"}
    if cloud_password:
        account["cloudPassword"] = cloud_password
    await sandbox.control.post("/accounts", account)
    await admin.post("/users", {"username": username, "password": PASSWORD, "telegram_phone": phone})
    return Person(username, phone)


async def log_in(port: int, username: str, password: str) -> str:
    caller = Caller(port)
    try:
        form = {"username": username, "password": password}
        token: str = (await caller.post("/auth/login", form, form=True))["access_token"]
        return token
    finally:
        caller.close()


async def verify(caller: Caller, sandbox: SandboxProcess, phone: str, *, cloud_password: str | None = None) -> None:
    await caller.post("/telegram/init")
    code = (await sandbox.control.get(f"/accounts/{phone}/code"))["code"]
    body = {"code": code, **({"password": cloud_password} if cloud_password else {})}
    await caller.post("/telegram/verify", body)


@dataclass(frozen=True, slots=True)
class Seed:
    """A data directory and a sandbox's state that belong together; both processes are down."""

    folder: Path
    sandbox_port: int
    people: list[Person]

    def copy(self, to: Path) -> None:
        shutil.copytree(self.folder, to, dirs_exist_ok=True)
        databases.copy(self.folder / "data", to / "data")

    def sandbox(self, folder: Path, **more: Any) -> SandboxProcess:
        """The data centre that knows these people; `folder` holds a copy."""
        core = more.pop("core", None)
        return SandboxProcess(folder, core=core, port=self.sandbox_port, state_dir=str(folder / "dc"), **more)


_seeds: dict[tuple[tuple[str, int], int, bool], Seed] = {}
_folders: list[tempfile.TemporaryDirectory[str]] = []


async def seeded(count: int, *, tokens: bool = False) -> Seed:
    """`count` people, or more, who are logged in at the data centre; with `tokens` also at the service.

    Made once a run: what one proof made, the next one gets a copy of.
    """
    where = databases.where()
    enough = [key for key in _seeds if key[0] == where and key[1] >= count and key[2] >= tokens]
    key = min(enough, default=(where, count, tokens))
    if key not in _seeds:
        _seeds[key] = await _seed(count, tokens=tokens)
    return _seeds[key]


async def _seed(count: int, *, tokens: bool) -> Seed:
    from teleflow.app import Gateway
    from teleflow.config import load_settings
    from teleflow.kit.clock import SystemClock, milliseconds
    from teleflow.kit.ids import new_id
    from teleflow.model.users import Role, User

    held = tempfile.TemporaryDirectory(prefix="teleflow-seed-")
    _folders.append(held)
    folder = Path(held.name)
    sandbox = SandboxProcess(folder, port=free_port(), state_dir=str(folder / "dc"), pq_bits=30)
    await sandbox.start()
    try:
        given = environment(folder / "data", sandbox.info) | {"TELEGRAM_CONNECT_RATE": "0"}
        async with Gateway(load_settings(given)) as gateway:
            shared = await gateway.services.passwords.hash(PASSWORD)
            now = milliseconds(SystemClock().time())
            turns = asyncio.Semaphore(6)

            async def one(number: int) -> Person:
                async with turns:
                    phone, name = phone_of(number), f"user{number}"
                    await sandbox_control(sandbox, phone, number)
                    user = User(
                        new_id("usr"), name, Role.USER, shared, phone, 12345678, "0123456789abcdef" * 2, None, now
                    )
                    await gateway.storage.add_user(user)
                    await gateway.services.telegram.init(user)
                    code = await _code(sandbox, phone)
                    await gateway.services.telegram.verify(user, code, None)
                    token = ""
                    if tokens:
                        pair = await gateway.services.auth.login(name, PASSWORD, address=f"127.0.0.{number % 250}")
                        token = pair.access_token
                    return Person(name, phone, token)

            people = await asyncio.gather(*(one(number) for number in range(count)))
        await sandbox.control.post("/world/save")
    finally:
        await sandbox.stop()
    return Seed(folder, sandbox.info["port"], list(people))


async def sandbox_control(sandbox: SandboxProcess, phone: str, number: int) -> None:
    caller = Caller(sandbox.control.port)
    await caller.post("/accounts", {"phone": phone, "firstName": f"User{number}"})
    caller.close()


async def _code(sandbox: SandboxProcess, phone: str) -> str:
    caller = Caller(sandbox.control.port)
    code: str = (await caller.get(f"/accounts/{phone}/code"))["code"]
    caller.close()
    return code
