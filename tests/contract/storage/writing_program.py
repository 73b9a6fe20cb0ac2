"""A process that accepts sends as fast as it can, and says the id of each once it was acknowledged."""

from __future__ import annotations

import asyncio
import sys

from teleflow.kit.clock import SystemClock
from teleflow.kit.ids import new_id, random_int64
from teleflow.kit.seal import Seal
from teleflow.model.jobs import SendJob, SendState, Text
from teleflow.storage.opening import open_storage

KEY = "a sealing key for tests, forty letters.."
NOW = 2_000_000_000_000


async def main(url: str, user_id: str, count: int) -> None:
    storage = open_storage(url, Seal(KEY), SystemClock())
    await storage.start()
    left = iter(range(count))

    async def caller() -> None:
        for _ in left:
            job = SendJob(
                new_id("job"), user_id, "ses_x", random_int64(), "+15550002", Text("hello"), SendState.QUEUED, 0, NOW
            )
            await storage.accept_send(
                job,
                username="ann",
                from_phone="+15550001",
                idempotency_key=job.id,
                fingerprint="print",
                node="node-p",
                lease_until=NOW,
            )
            sys.stdout.write(job.id + "\n")
            sys.stdout.flush()

    await asyncio.gather(*[caller() for _ in range(30)])
    await storage.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
