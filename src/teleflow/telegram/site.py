"""What all sessions of a process share."""

from __future__ import annotations

import random
from concurrent.futures import Executor
from dataclasses import dataclass, field

from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.telegram.base import Watcher
from teleflow.telegram.dc import Telegram
from teleflow.telegram.limiter import ConnectLimiter
from teleflow.telegram.proxies import Proxies


@dataclass(frozen=True, slots=True)
class Site:
    """`watcher` hears of every session; `proxies` are the ways out."""

    telegram: Telegram
    clock: Clock
    threads: Executor
    limiter: ConnectLimiter
    watcher: Watcher
    tasks: Tasks
    chance: random.Random
    proxies: Proxies = field(default_factory=Proxies)
