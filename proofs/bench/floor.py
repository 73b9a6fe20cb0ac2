"""The least that HTTP costs: bare ASGI in front of Telethon, one route, nothing checked and nothing stored."""

from __future__ import annotations

import json
from typing import Any

import uvicorn

from proofs.child import tell


async def serve(clients: list[Any], peers: list[Any], port: int) -> None:
    """The bearer token is the number of the client. Runs until it is killed."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        number = int(dict(scope["headers"])[b"authorization"].removeprefix(b"Bearer "))
        sent = await clients[number].send_message(peers[number], json.loads(body)["message"], parse_mode=None)
        answer = json.dumps({"success": True, "messageId": sent.id}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    config = uvicorn.Config(
        app, port=port, http="httptools", loop="none", ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    startup = server.startup

    async def started(sockets: Any = None) -> None:
        await startup(sockets=sockets)
        tell({"port": port})

    server.startup = started  # type: ignore[method-assign]
    await server.serve()
