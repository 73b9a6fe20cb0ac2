"""kurigram from PyPI on one session: python kurigram_session.py '{"host", "port", …}' PHONE|- [SAVED]

With a saved string it says who that is; without one it logs PHONE in and says what it saved. One line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from kurigram_story import DC, client, sign_in, trust


async def main() -> None:
    saved = sys.argv[3] if len(sys.argv) > 3 else None
    if saved is None:
        print(json.dumps({"saved": await sign_in(sys.argv[2])}))  # noqa: T201 - its answer
        return
    app = client("imported", saved, no_updates=True)
    await app.start()
    me = await app.get_me()
    print(json.dumps({"phone": f"+{me.phone_number}"}))  # noqa: T201
    await app.stop()


trust(Path(DC["publicKeyFile"]).read_text("ascii"))
asyncio.run(main())
