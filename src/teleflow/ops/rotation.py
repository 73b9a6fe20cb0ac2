"""Another key for all that is sealed, while the service runs.

First the new key is admitted to the database: by the service that runs, which thereby says that it opens and seals with
it, or here, when none runs. Then everything is sealed anew, some values at a time, until a whole pass finds nothing;
then the old keys are struck off. Killed at any moment it has lost nothing, and goes on when it is started again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from teleflow.config import KeptKey, Settings
from teleflow.errors import Conflict, Internal
from teleflow.kit.clock import Clock
from teleflow.kit.seal import Seal, SealKey
from teleflow.ops.keyring import LOOK_EVERY_S
from teleflow.ops.opened import Opened, alone, is_served, opened, require_installation
from teleflow.storage.base.sealing import SealedStore

PAGE = 500
PAUSE_S = 0.005  # between pages: whoever waits for the database's lock gets it
PASSES = 20
TAKEN_WITHIN_S = 30.0


@dataclass(slots=True)
class Report:
    """`renewed`: a key was made. `settled`: nothing lies under an older key any more."""

    key: str
    renewed: bool = False
    settled: bool = False
    looked: int = 0
    changed: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """`keys`: those under which something may lie, by name. `under`: (place, key) → values that do."""

    current: str
    keys: tuple[str, ...]
    under: Mapping[tuple[str, str], int]


@asynccontextmanager
async def changing(settings: Settings) -> AsyncIterator[Opened]:
    """Opened to change its keys: nobody else does so, from before they are read. Raises Conflict KEYS_CHANGING."""
    require_installation(settings)
    with KeptKey(settings.teleflow_data_dir).held():
        async with opened(settings) as at:
            yield at


async def rotate(at: Opened, *, tell: Callable[[str], None] = lambda _: None) -> Report:
    """To be called inside `changing`. Raises SettingsError, Conflict KEY_NOT_TAKEN."""
    store, seal = at.sealed, at.seal
    report = Report(seal.key_id.hex())
    if await store.seal_checks() == {seal.check}:
        if at.settings.session_encryption_key is not None:
            report.settled = True
            tell("Everything lies under this key. To change it, set another SESSION_ENCRYPTION_KEY, and this one as")
            tell("SESSION_ENCRYPTION_KEY_OLD, restart the service, and run this again.")
            return report
        _renew(at.settings, seal)
        report.renewed, report.key = True, seal.key_id.hex()
        tell(f"A new key is made: {report.key}. The one before it is kept beside it until `teleflow keys forget`.")
    await _admitted(at, store)
    await _seal_all_anew(store, report, at.clock, tell)
    if report.broken:
        raise Internal(
            f"{len(report.broken)} values do not open, the first is {report.broken[0]}: the old keys stay in force",
            code="SEAL_BROKEN",
        )
    await store.settle_seal_keys(seal.check)
    report.settled = True
    return report


async def standing(at: Opened) -> Standing:
    """What lies under which key."""
    checks = await at.sealed.seal_checks()
    under: Counter[tuple[str, str]] = Counter()
    cursor: str | None = None
    while True:
        page = await at.sealed.look_at_sealed(cursor, opening=False, limit=PAGE)
        under.update(page.under)
        cursor = page.cursor
        if cursor is None:
            break
    return Standing(at.seal.key_id.hex(), tuple(sorted(at.seal.name(check) for check in checks)), under)


async def forget(at: Opened) -> int:
    """Remove the older keys that lie in the data directory; how many. Raises Conflict when one is still needed.

    To be called inside `changing`.
    """
    if await at.sealed.seal_checks() != {at.seal.check}:
        raise Conflict("Something may lie under an older key: run `teleflow keys rotate` first", code="KEY_IN_USE")
    return KeptKey(at.settings.teleflow_data_dir).forget_older()


def _renew(settings: Settings, seal: Seal) -> None:
    kept = KeptKey(settings.teleflow_data_dir)
    kept.renew()
    seal.use(SealKey(kept.all()[0]))


async def _admitted(at: Opened, store: SealedStore) -> None:
    """Return once the service seals with the newest key, or there is none that seals."""
    until = at.clock.monotonic() + TAKEN_WITHIN_S
    while at.seal.check not in await store.seal_checks():
        if not await is_served(at.settings):  # it is in nobody's way, whereas `alone` is
            async with alone(at.settings) as free:
                if free:
                    await store.admit_seal_key(at.seal.check)
                    return
        if at.clock.monotonic() > until:
            raise Conflict(
                "The service that runs does not know the new key: restart it with SESSION_ENCRYPTION_KEY (the new one)"
                " and SESSION_ENCRYPTION_KEY_OLD, and run this again",
                code="KEY_NOT_TAKEN",
            )
        await at.clock.sleep(LOOK_EVERY_S / 4)


async def _seal_all_anew(store: SealedStore, report: Report, clock: Clock, tell: Callable[[str], None]) -> None:
    """Until a whole pass changes nothing: what a service sealed with the old key in its last moment is found then."""
    for _ in range(PASSES):
        cursor: str | None = None
        before = report.changed
        report.broken.clear()
        while True:
            page = await store.seal_anew(cursor, limit=PAGE)
            report.looked += page.looked
            report.changed += page.changed
            report.broken += page.broken
            if page.changed:
                tell(f"{report.changed} sealed anew")
            cursor = page.cursor
            if cursor is None:
                break
            await clock.sleep(PAUSE_S)
        if report.changed == before or report.broken:
            return
    raise Conflict("There is always more under an older key: is another service running with it?", code="KEY_IN_USE")
