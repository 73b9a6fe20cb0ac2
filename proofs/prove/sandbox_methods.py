"""An unmodified Telethon calls every method that the sandbox has registered, and gets what Telegram would give.

Of each method at least one case succeeds: its answer and its effect are looked at, read back through another method
or seen by another device. Refusals are checked by name and code, and every method that needs a login is refused to
a client without one. A registered method without a case breaks this proof.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import telethon
from telethon import errors
from telethon.errors import rpcerrorlist
from telethon.tl import functions

from proofs import methods
from proofs.methods.cases import CASES, REFUSALS, Case, Refusals
from proofs.methods.house import House, Someone, name_of, opened, title
from proofs.outcome import Outcome, Row
from teleflow.sandbox.rpc.register import CLOSED, METHODS

SHOWN = 400


@dataclass(frozen=True, slots=True)
class Scale:
    only: str = ""
    """What the names of the methods begin with whose cases are run; the others then have none."""


SHORT = Scale()
LONG = Scale()


@dataclass(slots=True)
class Tally:
    """Cases by outcome."""

    passed: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)


async def run(scale: Scale, seed: int) -> Outcome:  # noqa: ARG001 - all cases, in their order
    for module in pkgutil.iter_modules(methods.__path__):
        importlib.import_module(f"{methods.__name__}.{module.name}")
    outcome, tally = Outcome(), Tally()
    asked: Counter[Any] = Counter()
    async with opened() as house:
        for case in CASES:
            if any(title(each).startswith(scale.only) for each in case.about):
                await _succeed(house, case, tally, asked)
        for situation in REFUSALS if not scale.only else ():
            await _refuse(house, situation, tally)
        await _shut_out(house, tally)
        await house.quiet()
        _codes(house, tally)
        tally.failures += [f"answer of {each}" for each in dict.fromkeys(house.wrong)]
    tally.failures += [f"{title(each)}: no case" for each in METHODS if not asked[each]]
    outcome.fact("Telethon", f"{telethon.__version__}, layer {telethon.tl.alltlobjects.LAYER}")
    outcome.fact("methods registered", len(METHODS))
    outcome.exactly("  with a case that succeeds", len(METHODS), sum(1 for each in METHODS if asked[each]))
    outcome.fact("  refused by a name of their own", sum(1 for each in METHODS if house.refused[each] - {NOBODY}))
    cases = tally.passed + len(tally.failures)
    outcome.exactly("cases passed", cases, tally.passed)
    outcome.fact("  of them refusals", tally.refused)
    outcome.rows += [Row(f"  {each}"[:400], "", "", holds=False) for each in tally.failures[:SHOWN]]
    return outcome


OTHERWISE = {"TAKEOUT_REQUIRED": 403}
"""Codes that Telegram documents and that Telethon's table has otherwise."""
ONLY_REFUSED = frozenset((functions.messages.GetStickerSetRequest,))
"""What asks for a thing of which there is none here."""
NOBODY = "AUTH_KEY_UNREGISTERED"


async def _succeed(house: House, case: Case, tally: Tally, asked: Counter[Any]) -> None:
    """A case counts for each method that it says it is about, and that was really answered in it."""
    before = Counter(house.answered)
    name = f"{', '.join(map(title, case.about))}: {case.name}"
    try:
        await case.run(house)
    except Exception as error:  # noqa: BLE001 - a case that fails is told, and the others go on
        tally.failures.append(f"{name}: {type(error).__name__}: {error}")
        return
    unasked = [title(each) for each in case.about if house.answered[each] == before[each] and each not in ONLY_REFUSED]
    if unasked:
        tally.failures.append(f"{name}: never asked {', '.join(unasked)}")
        return
    tally.passed += 1
    asked.update(case.about)


async def _refuse(house: House, situation: Refusals, tally: Tally) -> None:
    try:
        async for wanted, someone, request in situation.run(house):
            found = await _refusal(someone, request)
            if found == wanted:
                tally.passed, tally.refused = tally.passed + 1, tally.refused + 1
            else:
                told = f"{title(type(request))}: {situation.name}: {found} where {wanted} is due"
                tally.failures.append(told)
    except Exception as error:  # noqa: BLE001 - as above
        tally.failures.append(f"{situation.name}: {type(error).__name__}: {error}")


async def _refusal(someone: Someone, request: Any) -> str:
    try:
        answer = await someone(request)
    except errors.RPCError as error:
        return name_of(error)
    return f"answer {type(answer).__name__}"


async def _shut_out(house: House, tally: Tally) -> None:
    """What needs a login is refused to a client without one, by the request that a case has sent before."""
    stranger = await house.stranger()
    for method in CLOSED:
        if method in house.last:
            found = await _refusal(stranger, house.last[method])
            if found == NOBODY:
                tally.passed, tally.refused = tally.passed + 1, tally.refused + 1
            else:
                tally.failures.append(f"{title(method)}: {found} where {NOBODY} is due")


def _codes(house: House, tally: Tally) -> None:
    """Telethon drops the code of an error that it knows by name; the sandbox's ledger has it."""
    seen = {(row.method, row.error, row.code) for row in house.sandbox.dc.ledger.calls() if row.error}
    for method, error, code in sorted(seen, key=str):
        known = rpcerrorlist.rpc_errors_dict.get(error)
        if known is not None and OTHERWISE.get(error, abs(known.code)) != code:
            tally.failures.append(f"{method}: {error} has code {code}, and {known.code} at Telegram")
