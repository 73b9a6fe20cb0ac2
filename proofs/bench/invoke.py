"""Methods by their names through invoke, beside bare Telethon making the same calls; set up as the bench of reads."""

from __future__ import annotations

from typing import Any

from proofs.bench.read import compared
from proofs.outcome import Outcome

ADDED_MS = 2.0


async def run(rounds: int) -> Outcome:
    return await compared(rounds, _asked, ADDED_MS)


def _asked(session: str, club: int) -> dict[str, tuple[str, str, Any]]:
    history = {"peer": club, "offset_id": 0, "offset_date": 0, "add_offset": 0, "limit": 50, "max_id": 0, "min_id": 0}
    dialogs = {"offset_date": 0, "offset_id": 0, "offset_peer": {"_": "inputPeerEmpty"}, "limit": 100, "hash": "0"}
    recent = {"_": "channelParticipantsRecent"}
    return {
        name: ("POST", f"/api/v1/sessions/{session}/invoke", {"method": method, "params": params})
        for name, method, params in (
            ("history of 50", "messages.getHistory", {**history, "hash": "0"}),
            ("100 chats", "messages.getDialogs", dialogs),
            (
                "100 members",
                "channels.getParticipants",
                {"channel": club, "filter": recent, "offset": 0, "limit": 100, "hash": "0"},
            ),
        )
    }
