"""The composition root: settings → adapters → services → HTTP, started in this order and stopped in reverse.

No other module makes these objects, and none of them is global. It knows nothing of the sandbox: the demo, which
is this service beside a sandbox, is put together in `cli.demo`.
"""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Self

import structlog

from teleflow import __version__
from teleflow.broadcasts.worker import Worker as Broadcasting
from teleflow.config import KeptKey, Secrets, Settings
from teleflow.events.followers import Followers
from teleflow.events.hub import Hub
from teleflow.fleet.adoption import Adoption
from teleflow.fleet.care import Care
from teleflow.fleet.directory import Directory
from teleflow.fleet.pieces import fresh
from teleflow.fleet.reach import Reach
from teleflow.fleet.runner import Runner
from teleflow.kit import process
from teleflow.kit.clock import Clock, SystemClock, loop_time
from teleflow.kit.ids import new_id
from teleflow.kit.tasks import Tasks
from teleflow.meters import Meters
from teleflow.model.sessions import Device
from teleflow.ops.keyring import KeyWatch, seal_of, take_possession
from teleflow.outbox.holds import HoldsOnDisk
from teleflow.outbox.lanes import Lanes
from teleflow.outbox.outbox import Outbox
from teleflow.outbox.sender import Sender
from teleflow.outbox.settle import Settler
from teleflow.outbox.strangers import Strangers
from teleflow.outbox.uploads import Uploads
from teleflow.services.accounts import service_credentials
from teleflow.services.everything import Services
from teleflow.services.sweep import Sweep
from teleflow.services.users import FirstAdmin
from teleflow.services.virtual_phones import VirtualPhones
from teleflow.storage.base import Storage
from teleflow.storage.blobs.choice import chosen
from teleflow.storage.copies import InstallationLock
from teleflow.storage.lock import DataDirLock
from teleflow.storage.opening import open_storage
from teleflow.storage.spool import Spool
from teleflow.telegram.dc import Telegram
from teleflow.telegram.limiter import ConnectLimiter
from teleflow.telegram.pacing import Pacing
from teleflow.telegram.proxies import Proxies
from teleflow.telegram.reachable import Reachable
from teleflow.telegram.site import Site
from teleflow.telegram.tl.layer import Layer
from teleflow.telegram.traced import Traced
from teleflow.tracing import Tracing, tracing_to
from teleflow.webhooks.egress import Egress
from teleflow.webhooks.fetching import Fetcher
from teleflow.webhooks.worker import Worker
from teleflow.wire.files import FileIds

_log = structlog.get_logger(__name__)


class Gateway:
    """One node: everything behind the HTTP port. Use as ``async with``."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        storage_threads: bool = True,
        seed: int | None = None,
        virtual_phones: VirtualPhones | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._storage_threads = storage_threads
        self._virtual_phones = virtual_phones
        self._chance = random.Random(seed)  # noqa: S311 - spreads retries, guards nothing
        self._stack = AsyncExitStack()
        self.node = new_id("node")
        self.first_admin: FirstAdmin | None = None
        self.storage: Storage
        self.runner: Runner
        self.outbox: Outbox
        self.broadcasting: Broadcasting
        self.deliverer: Worker
        self.spool: Spool
        self.directory: Directory
        self.services: Services
        self.app: Any

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def drain(self, until: float) -> None:
        """Begin no more, and settle what is under way, till then (loop time). To be called when no request is left."""
        await self.broadcasting.stop()
        left = await self.outbox.drain(within=until - loop_time())
        flying = await self.deliverer.drain(within=until - loop_time())
        _log.info("stop.drained", sends_left_open=left, deliveries_broken_off=flying)

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        telegram = Telegram.named(settings.telegram_dc, settings.telegram_dc_key)
        database = settings.database  # refuses contradictions before anything is touched
        lock = DataDirLock(settings.teleflow_data_dir)
        stack.callback(lock.release)
        await lock.take(self.clock)
        key_since = KeptKey(settings.teleflow_data_dir).changed_at()
        secrets = Secrets.load(settings)
        seal = await seal_of(secrets)
        meters = Meters(__version__)
        tracing = tracing_to(
            settings.otel_exporter_otlp_endpoint,
            headers=settings.otel_headers,
            service=settings.otel_service_name,
            version=__version__,
            node=self.node,
            share=settings.otel_traces_sampler_arg,
        )
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        self.storage = open_storage(database, seal, self.clock, threads=self._storage_threads, meters=meters)
        await self.storage.start()
        stack.push_async_callback(self.storage.stop)
        await self.storage.hold(process.end_this)
        await take_possession(self.storage, seal)
        stack.enter_context(InstallationLock(await self.storage.remember("installation", new_id("ins"))))

        threads = ThreadPoolExecutor(2, thread_name_prefix="arithmetic")
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        tasks = Tasks("sessions")
        stack.push_async_callback(tasks.close)
        device = Device(app_version=__version__)
        self.runner = Runner(self.storage, self.clock, device)
        self.runner.settle_in(
            Site(
                telegram=telegram,
                clock=self.clock,
                threads=threads,
                limiter=ConnectLimiter(settings.telegram_connect_rate),
                watcher=self.runner,
                tasks=tasks,
                chance=self._chance,
                proxies=Proxies(settings.allowed_proxy_nets),
            )
        )
        holds = HoldsOnDisk(self.storage, self.clock)
        stack.push_async_callback(holds.stop)
        call = Pacing(Traced(self.runner.call, tracing), self.clock, keep=holds.keep, meters=meters)
        call.restore(await holds.standing())
        peers = Directory(self.storage, call, self.clock, imports_per_hour=settings.import_budget_per_hour)
        stack.push_async_callback(peers.stop)
        self.directory = peers
        self.runner.on_end(peers.forget_session)
        self.runner.follow_with(
            Followers(
                self.storage,
                self.clock,
                self._chance,
                learn=peers.learn,
                file_id=FileIds(seal).token,
                meters=meters,
            )
        )
        self.runner.on_end(call.forget)
        settler = Settler(self.storage, self.clock, self._chance, meters)
        strangers = Strangers(self.storage, call, call, self.clock, per_day=settings.first_contacts_per_day)
        self.runner.on_end(strangers.forget_session)
        lanes = Lanes()
        reach = Reach(call, peers)
        spool = Spool(
            settings.teleflow_data_dir / "spool", room=settings.upload_spool_bytes, most=settings.upload_most_bytes
        )
        await spool.start()
        self.spool = spool
        uploads = Uploads(call, spool, partial(fresh, reach), self.clock)
        self.runner.on_end(uploads.forget_session)
        sender = Sender(call, peers, strangers, settler, lanes, self.clock, uploads)
        self.outbox = Outbox(
            self.storage,
            sender,
            settler,
            lanes,
            peers,
            self.clock,
            node=self.node,
            send_wait_seconds=settings.send_wait_seconds,
            tracing=tracing,
        )
        broadcasting = self.broadcasting = Broadcasting(
            self.storage, self.outbox, peers, strangers, self.clock, self._chance, FileIds(seal).read
        )
        self.egress = Egress(settings.allowed_webhook_nets, own_ports=[settings.port] if settings.port else [])
        await self.egress.start()
        stack.push_async_callback(self.egress.stop)
        agent = f"TeleFlow/{__version__}"
        worker = self.deliverer = Worker(
            self.storage,
            self.egress,
            self.clock,
            self._chance,
            agent=agent,
            disable_after_s=settings.webhook_disable_after_hours * 3600,
            meters=meters,
            tracing=tracing,
        )
        hub = Hub(self.storage)
        hub.listen(worker.rung)
        blobs = chosen(settings, self.clock)
        await blobs.start()
        stack.push_async_callback(blobs.stop)
        care = Care(self.runner, self.storage, self.clock, device=device, codes_per_hour=settings.code_budget_per_hour)
        self.services = Services.make(
            storage=self.storage,
            sessions=care,
            outbox=self.outbox,
            reach=reach,
            spool=spool,
            waits=call,
            strangers=strangers,
            site=Reachable(telegram),
            meters=meters,
            gauges=lambda: {
                "sends_under_way": self.outbox.open,
                "webhook_attempts_under_way": worker.under_way,
            },
            fetcher=Fetcher(self.egress, agent=agent, within=settings.media_url_within_seconds),
            layer=Layer(),
            hub=hub,
            door=self.egress,
            carrier=worker,
            bell=broadcasting,
            seal=seal,
            settings=settings,
            secrets=secrets,
            clock=self.clock,
            node=self.node,
            blobs=blobs,
            virtual_phones=self._virtual_phones,
        )
        stack.callback(self.services.close)
        sweep = Sweep(self.storage, self.services, spool, settings, self.clock)
        stack.push_async_callback(sweep.write_uses)
        await self.services.requests.start()
        self.first_admin = await self.services.users.ensure_admin()

        adoption = Adoption(
            settings.sessions_dir, self.runner, self.storage, self.clock, api=service_credentials(settings)
        )
        for part in (worker, self.runner, care, self.outbox, broadcasting, adoption):
            await part.start()
            stack.push_async_callback(part.stop)
        upkeep = Tasks("upkeep")
        upkeep.start(sweep.run(), "sweep")
        upkeep.start(self.services.metrics.run(), "metrics")
        upkeep.start(KeyWatch(settings, seal, self.storage, self.clock, since=key_since).run(), "seal key")
        stack.push_async_callback(upkeep.close)
        self.app = await asyncio.to_thread(_build_app, self.services, settings, self.clock, meters, tracing)

    def metrics_app(self) -> Any:
        """What METRICS_PORT answers with."""
        from teleflow.api.metrics_port import build_metrics_app

        return build_metrics_app(self.services)


def _build_app(services: Services, settings: Settings, clock: Clock, meters: Meters, tracing: Tracing) -> Any:
    """The framework and the routes cost a second to import and to make: the sessions connect meanwhile."""
    from teleflow.api.main import build_app

    return build_app(services, settings, clock=clock, meters=meters, tracing=tracing)
