"""The demo's data centre, as the service beside it may ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teleflow.errors import Conflict, Invalid, NotFound, TeleFlowError
from teleflow.sandbox.embedded import Sandbox
from teleflow.sandbox.faults import FaultError
from teleflow.sandbox.world.errors import ControlError
from teleflow.services.virtual_phones import LastCode, Line, VirtualPhone

_FAULTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "cut": ("reset", {}),
    "slow": ("delay", {"ms": 1000}),
}


class DemoPhones:
    """What `services.virtual_phones` asks for, of a sandbox in this process."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def phones(self) -> list[VirtualPhone]:
        control = self._sandbox.control
        return [self._phone(account, control.code(account["phone"])) for account in control.accounts()]

    def lines(self, phone: str, *, after: int, limit: int) -> list[Line]:
        try:
            known = self._sandbox.control.account(phone)
            found = self._sandbox.control.ledger_messages(phone=known["phone"], since=after, limit=limit)
        except ControlError as error:
            raise _ours(error) from error
        return [Line(one["seq"], one["time"], str(one["from"]), str(one["to"]), one["text"]) for one in found]

    async def write(self, phone: str, to: str, text: str) -> None:
        await self._act(phone, {"do": "send", "to": to, "text": text})

    async def scan(self, phone: str, link: str | None) -> bool:
        answer = await self._act(phone, {"do": "scan"} if link is None else {"do": "scan", "link": link})
        return bool(answer["passwordNeeded"])

    def faults(self) -> int:
        return len(self._sandbox.dc.faults.all())

    async def trouble(self, kind: str, seconds: int) -> None:
        verb, args = _FAULTS.get(kind, ("flood", {"seconds": seconds}))
        match: dict[str, Any] = {}
        if kind == "flood":
            match = {"method": "messages.sendMessage", "times": 1}
        elif kind == "slow":
            match = {"times": seconds * 2}
        elif kind == "outage":
            verb, args = "refuse", {"seconds": seconds, "close": True}
        try:
            await self._sandbox.dc.add_fault(verb, match, args)
        except FaultError as error:
            raise Invalid(str(error)) from error

    async def end_troubles(self) -> None:
        await self._sandbox.dc.clear_faults()

    async def _act(self, phone: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self._sandbox.control.act(phone, body)
        except ControlError as error:
            raise _ours(error) from error

    @staticmethod
    def _phone(account: Mapping[str, Any], code: Mapping[str, Any] | None) -> VirtualPhone:
        return VirtualPhone(
            phone=account["phone"],
            name=" ".join(filter(None, (account["firstName"], account["lastName"]))),
            username=account["username"],
            scenario=account["scenario"],
            cloud_password=account["cloudPassword"],
            devices=account["devices"],
            online=account["online"],
            code=None
            if code is None
            else LastCode(code["code"], str(code["type"]), float(code["sentAt"]), float(code["expiresAt"])),
        )


def _ours(error: ControlError) -> TeleFlowError:
    """404 is ours where it is about a person or a code; else what was asked was wrong."""
    if error.status == 404:
        return NotFound(error.message, code="SANDBOX_PHONE_NOT_FOUND")
    if error.status == 409:
        return Conflict(error.message, code="SANDBOX_CONFLICT")
    return Invalid(error.message, code="SANDBOX_REFUSED")
