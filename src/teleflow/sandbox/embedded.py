"""A whole sandbox in this process: the data centre with its world, its people and its control API.

`Sandbox` promises that all of it has started when `start` returns and nothing of it is left after `stop`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from teleflow.kit.clock import Clock, SystemClock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.cast import seed_cast
from teleflow.sandbox.cluster import Cluster
from teleflow.sandbox.control.api import build_app
from teleflow.sandbox.control.http import HttpServer
from teleflow.sandbox.control.local import loopback_of
from teleflow.sandbox.interference import Interference
from teleflow.sandbox.moved_clock import MovedClock
from teleflow.sandbox.rpc import register
from teleflow.sandbox.rpc.base import Rpc
from teleflow.sandbox.scenario import SCRIPTS, Scenarios
from teleflow.sandbox.server import Backend, DataCentre, Options
from teleflow.sandbox.unasked import Unasked
from teleflow.sandbox.world import voting
from teleflow.sandbox.world.control import WorldControl
from teleflow.sandbox.world.presence import SWEEP
from teleflow.sandbox.world.world import World


class Sandbox:
    """See the module. `control` is the control API without HTTP."""

    def __init__(
        self,
        options: Options | None = None,
        *,
        clock: Clock | None = None,
        control_port: int | None = 0,
        seed: int | None = None,
        people: int = 0,
    ) -> None:
        self.clock = MovedClock(clock or SystemClock())
        self._options = options or Options()
        self._tasks = Tasks("sandbox world")
        self.world = World(clock=self.clock, seed=seed)
        self.control = WorldControl(self.world, directory=self._options.state_dir, scenarios=frozenset(SCRIPTS))
        self.cluster = Cluster(self._options, self._backend, clock=self.clock)
        self.dc = self.cluster.main
        self.interference = Interference(self.world, self.dc.faults, self.clock, self._tasks, self.dc.ledger.fault)
        self._people = people
        self._control_port = control_port
        self._http: HttpServer | None = None

    def _backend(self, dc: DataCentre, beside: Rpc | None) -> Backend:
        world = self.world
        return Backend(
            register.build(
                world,
                dc_id=dc.dc_id,
                address=lambda: (dc.host, dc.port),
                dcs=self.cluster.addresses,
                beside=beside,
                main_dc=self._options.dc_id,
                further=bool(self._options.dcs),
            ),
            attach=lambda place: world.attach(self.interference.over(self.cluster.everywhere.add(place))),
            revoke=world.revoke,
            expire_code=self._expire_code,
            worldly=self.interference,
        )

    async def _end_presences(self) -> None:
        while True:
            await self.clock.sleep(SWEEP)
            self.world.presence.sweep()
            self.world.scheduled.sweep()
            voting.sweep(self.world)

    def _expire_code(self, phone: str | None) -> None:
        self.world.logins.expire_codes(phone)  # looked up late: a reset world has new logins

    async def start(self) -> None:
        """Bring everything up. Raises OSError when an address is taken."""
        try:
            self.control.load()
            seed_cast(self.world, self._people)
            await self.cluster.start()
            Scenarios(self.world, self.clock, self._tasks).start()
            self._tasks.start(Unasked(self.world, self.clock).keep_talking(), "unasked")
            self._tasks.start(self.control.keep_saved(), "saving the world")
            self._tasks.start(self._end_presences(), "presence")
            if self._control_port is not None:
                self._http = HttpServer(build_app(self), loopback_of(self._options.host), self._control_port)
                await self._http.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take everything down; the world is saved where it has a directory."""
        if self._http is not None:
            await self._http.stop()
            self._http = None
        await self.cluster.stop()
        await self._tasks.close()
        self.control.close()

    @property
    def host(self) -> str:
        return self.dc.host

    @property
    def port(self) -> int:
        return self.dc.port

    @property
    def dc_id(self) -> int:
        return self.dc.dc_id

    @property
    def public_key_pem(self) -> str:
        return self.dc.public_key_pem

    @property
    def public_key_file(self) -> Path:
        return self.dc.public_key_file

    @property
    def control_url(self) -> str | None:
        """Where the control API listens; None when it was not asked for."""
        return None if self._http is None else self._http.url

    def info(self) -> dict[str, Any]:
        """The ready line."""
        further = [{"dcId": dc.dc_id, "host": dc.host, "port": dc.port} for dc in self.dc.siblings]
        return {
            "dcId": self.dc_id,
            "host": self.host,
            "port": self.port,
            "controlUrl": self.control_url,
            "publicKeyFile": str(self.public_key_file),
            "layer": self.dc.layer,
        } | ({"dcs": further} if further else {})


@asynccontextmanager
async def running(
    options: Options | None = None,
    *,
    clock: Clock | None = None,
    control_port: int | None = 0,
    seed: int | None = None,
    people: int = 0,
    **changes: Any,
) -> AsyncIterator[Sandbox]:
    """A sandbox for the time of the block.

    `people` of the cast live in it (none: make accounts yourself); `seed` makes codes and ids the same each time;
    without a `control_port` (None) there is no HTTP; `changes` are fields of `Options`.
    """
    wanted = replace(options or Options(), **changes)
    sandbox = Sandbox(wanted, clock=clock, control_port=control_port, seed=seed, people=people)
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.stop()
