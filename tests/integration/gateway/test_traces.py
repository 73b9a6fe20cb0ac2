"""Traces as a collector gets them: the request, the call to Telegram and the delivery are one."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from teleflow.tracing import tracing_to
from tests.integration.gateway.rig import ANN, rigged

pytestmark = pytest.mark.anyio
CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector:
    """OTLP/HTTP, and a receiver of webhooks."""

    def __init__(self) -> None:
        self.exports: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.deliveries: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                told = {name.lower(): value for name, value in self.headers.items()}
                if self.path == "/v1/traces":
                    outer.exports.append(ExportTraceServiceRequest.FromString(body))
                    outer.headers.append(told)
                else:
                    outer.deliveries.append(told)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing of it is said."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def spans(self) -> dict[str, Any]:
        """By name, the last of each."""
        return {
            span.name: span
            for export in self.exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.stop()


async def test_request_call_and_delivery_are_one_trace(collector: Collector, tmp_path: Path) -> None:
    settings = {
        "otel_exporter_otlp_endpoint": collector.url,
        "otel_exporter_otlp_headers": "authorization=Bearer%20of%20the%20collector",
        "webhook_allow_nets": "127.0.0.0/8",
    }
    async with rigged(tmp_path, **settings) as rig:
        ann = await rig.connected("ann", ANN)
        (session,) = (await rig.http.get("/api/v1/sessions", headers=ann)).json()["data"]
        hook = {"url": f"{collector.url}/hook", "events": ["job.settled", "message.sent"]}
        assert (await rig.http.post("/api/v1/webhooks", headers=ann, json=hook)).status_code == 201
        body = {"sessionId": session["id"], "chatId": "+15550002", "text": "a very private text"}
        sent = await rig.http.post("/api/v1/messages/send", headers={**ann, "traceparent": CALLERS}, json=body)
        assert sent.status_code == 201, sent.text
        async with asyncio.timeout(20):
            while len(collector.deliveries) < 2:
                await asyncio.sleep(0.02)
    spans = collector.spans()
    request, call = spans["POST /api/v1/messages/send"], spans["telegram messages.sendMessage"]
    ours = [request, call, spans["webhook job.settled"], spans["webhook message.sent"]]
    assert {span.trace_id.hex() for span in ours} == {CALLERS.split("-")[1]}
    assert request.parent_span_id.hex() == CALLERS.split("-")[2]
    assert {span.parent_span_id for span in ours[1:]} == {request.span_id}
    assert {one["traceparent"].split("-")[1] for one in collector.deliveries} == {CALLERS.split("-")[1]}
    assert collector.headers[0]["authorization"] == "Bearer of the collector"
    told = {attribute.key: attribute.value for attribute in request.attributes}
    assert told["http.response.status_code"].int_value == 201
    assert told["teleflow.request_id"].string_value == sent.headers["x-request-id"]
    whole = b"".join(export.SerializeToString() for export in collector.exports)
    for secret in (b"private", b"15550002", ANN.encode(), b"a good long one"):
        assert secret not in whole


async def test_an_error_is_told_by_its_code(collector: Collector, tmp_path: Path) -> None:
    async with rigged(tmp_path, otel_exporter_otlp_endpoint=collector.url) as rig:
        ann = await rig.connected("ann", ANN)
        await rig.fault("flood", {"method": "messages.sendMessage"}, seconds=70)
        await rig.send(ann, "one")
    call = collector.spans()["telegram messages.sendMessage"]
    told = {attribute.key: attribute.value.string_value for attribute in call.attributes}
    assert told["error.type"] == "TELEGRAM_FLOOD_WAIT"
    assert call.status.code == 2


async def test_a_collector_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    async with rigged(tmp_path, otel_exporter_otlp_endpoint="http://127.0.0.1:9") as rig:
        ann = await rig.connected("ann", ANN)
        assert (await rig.send(ann, "one")).status_code == 200


def test_a_collector_that_says_nothing_does_not_hold_up_a_stop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tracing = tracing_to(url, headers={}, service="teleflow", version="1", node="n", share=1.0)
        for number in range(3_000):  # six requests of five seconds each, if all were waited for
            with tracing.span(f"request {number}", "SERVER"):
                pass
        began = time.monotonic()
        tracing.close()
        assert time.monotonic() - began < 4
