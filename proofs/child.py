"""The processes that are measured: ``python -m proofs.child gateway|sandbox|…``.

The gateway is the product's own `serve` under uvloop, with a sampler of its loop's lateness beside it.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

import uvloop


def gateway() -> None:
    """Settings come from the environment, as in real life; one line when it listens."""
    from teleflow.kit import process

    process.start_quickly()  # as the command does
    from proofs.lag import LagSampler
    from teleflow.app import Ready, serve
    from teleflow.config import load_settings
    from teleflow.kit import log

    settings = load_settings()
    log.configure(settings.log_level, json=os.environ.get("NODE_ENV") == "production")

    def ready(facts: Ready) -> None:
        if "PROOF_LAG_FILE" in os.environ:
            LagSampler(Path(os.environ["PROOF_LAG_FILE"]), float(os.environ.get("PROOF_LAG_EVERY", "0.005"))).start()
        tell({"url": facts.url})

    if "PROOF_NAMES_FILE" in os.environ:
        _lie_about_names()
    uvloop.run(serve(settings, on_ready=ready), loop_factory=_Loop)


_LOOKED_UP: dict[str, int] = {}


class _Loop(uvloop.Loop):  # type: ignore[misc]
    """Writes down when a connection is tried: one that is refused leaves no trace at the other end."""

    async def create_connection(self, *arguments: Any, **more: Any) -> Any:
        _note(self.time())
        return await super().create_connection(*arguments, **more)


def _lie_about_names() -> None:
    """PROOF_NAMES_FILE: JSON, name → what each lookup in turn finds; the last one stays. A resolver that lies."""
    names = Path(os.environ["PROOF_NAMES_FILE"])
    truth = socket.getaddrinfo

    def lookup(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        told = json.loads(names.read_text()).get(host)
        if told is None:
            return truth(host, port, *rest, **more)
        turn = _LOOKED_UP[host] = _LOOKED_UP.get(host, -1) + 1
        found = told[min(turn, len(told) - 1)]
        families = [(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in found]
        return [(family, socket.SOCK_STREAM, 6, "", (one, port)) for family, one in families]

    socket.getaddrinfo = lookup


def _note(moment: float) -> None:
    if "PROOF_CONNECTS_FILE" not in os.environ:
        return
    with Path(os.environ["PROOF_CONNECTS_FILE"]).open("ab") as file:
        file.write(struct.pack("<d", moment))


def sandbox(given: str) -> None:
    """`given`: JSON with fields of the sandbox's options."""
    import asyncio

    from teleflow.kit import log
    from teleflow.sandbox.embedded import running
    from teleflow.sandbox.server import Options

    log.configure("warning")
    wanted = json.loads(given)
    if "state_dir" in wanted:
        wanted["state_dir"] = Path(wanted["state_dir"])

    async def main() -> None:
        import signal

        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        async with running(Options(**wanted)) as standing:
            tell(standing.info())
            await over.wait()

    uvloop.run(main())


def tell(facts: dict[str, Any]) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    kind, arguments = sys.argv[1], sys.argv[2:]
    if kind == "gateway":
        gateway()
    elif kind == "sandbox":
        sandbox(*arguments)
    elif kind == "load":
        from proofs.bench import load

        load.main(*arguments)
    elif kind == "peopled":
        from proofs.bench import sandbox_child

        sandbox_child.main(*arguments)
    elif kind == "sandbox-load":
        from proofs.bench import sandbox_load

        sandbox_load.main(*arguments)
    elif kind == "telethon":
        from proofs.bench import bare

        bare.main(*arguments)
    else:
        sys.exit(f"unknown child {kind}")
