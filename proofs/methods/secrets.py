"""Cloud passwords as a client of Telegram's computes them, for the cases that need one. Knows no case."""

from __future__ import annotations

import os
from typing import Any

from telethon import password as srp
from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.house import House, Someone

FIRST = "correct horse"


async def proof(someone: Someone, password: str) -> Any:
    """What shows that one knows the password, without telling it."""
    return srp.compute_check(await someone(f.account.GetPasswordRequest()), password)


async def settings(someone: Someone, password: str, *, hint: str = "", email: str | None = None) -> Any:
    """A new password; an empty one takes it away."""
    algo = (await someone(f.account.GetPasswordRequest())).new_algo
    algo.salt1 += os.urandom(32)
    digest = srp.compute_digest(algo, password) if password else b""
    chosen = algo if password else types.PasswordKdfAlgoUnknown()
    return types.account.PasswordInputSettings(new_algo=chosen, new_password_hash=digest, hint=hint, email=email)


async def lock(someone: Someone, password: str = FIRST, **more: Any) -> None:
    """Set the first password of an account."""
    empty = types.InputCheckPasswordEmpty()
    await someone(f.account.UpdatePasswordSettingsRequest(empty, await settings(someone, password, **more)))


def mailed(house: House, someone: Someone) -> str:
    """The code of the newest letter to somebody."""
    return str(house.control.mails(someone.phone)[-1]["code"])
