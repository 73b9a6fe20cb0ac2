"""Somebody's webhook receiver, which fails until it is mended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(ThreadingHTTPServer):
    def __init__(self, broken: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.broken: bytes | None = broken
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/telegram"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = self.server.broken
        if answer is None:
            self.server.bodies.append(body)
        self.send_response(200 if answer is None else 500)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(answer or b"thank you")

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@contextmanager
def receiving(broken: bytes) -> Iterator[Receiver]:
    server = Receiver(broken)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
