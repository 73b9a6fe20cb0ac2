"""Loading a file of 200 MB: through the service, and with a bare Telethon, in turn."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.prove.files import LEAST_SHARE, MB, bare, ours, shelf_of, written
from proofs.sender import telethon

SIZE = 200 * MB


async def run(rounds: int) -> Outcome:
    found: dict[str, list[float]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", core=1, pq_bits=46, state_dir=str(folder / "state"))
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            (person,) = await by_http(gateway, sandbox, 1)
            (friend,) = await friends(sandbox, 1)
            caller = gateway.caller(person.token)
            async with telethon(sandbox, friend) as client:
                shelf = await shelf_of(sandbox, caller, client, person.phone, friend)
                source = folder / "big.bin"
                wanted = written(source, SIZE, 1)
                media = await shelf.sent(str(source), force_document=True)
                (message,) = [one async for one in client.iter_messages(shelf.to, limit=1)]
                for _ in range(rounds):
                    for name, work in (("ours", ours(shelf, gateway.port, media)), ("bare", bare(shelf, message))):
                        got, took = await work
                        if got != wanted:
                            raise RuntimeError(f"{name}: not the bytes that were sent")
                        found[name].append(SIZE / took / MB)
            caller.close()
    outcome = Outcome()
    for name, values in found.items():
        shown = f"{statistics.median(values):.1f} [{min(values):.1f} to {max(values):.1f}]"
        outcome.fact(f"MB/s, {'bare Telethon' if name == 'bare' else name}", shown)
    share = statistics.median(found["ours"]) / statistics.median(found["bare"])
    outcome.at_least("ours of bare Telethon's", LEAST_SHARE, share)
    return outcome
