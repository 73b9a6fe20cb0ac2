"""Traces of what one request set in motion: itself, the calls to Telegram, the deliveries of its events.

In OpenTelemetry's words (https://opentelemetry.io/docs/specs/otel/trace/api/); `traceparent` is W3C Trace Context's.
Promises: a span tells names of routes and methods, statuses and codes of errors, never what a request was about; where
nothing is exported nothing is kept; an exporter that is away loses spans and holds nobody up.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry.context import Context

from teleflow.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan

Trace = Context

Kind = Literal["SERVER", "CLIENT", "PRODUCER"]
_REMEMBERED = 20_000
_QUEUE = 4_096  # spans that wait to be exported
_EXPORT_WITHIN_S = 5.0
_CLOSE_WITHIN_S = 2.0


class Span:
    """Something that takes a while. This one is of no trace."""

    def rename(self, name: str) -> None:
        """Call it what it has turned out to be."""

    def note(self, **attributes: str | int) -> None:
        """Attributes; two underscores in a name stand for a dot."""

    def fail(self, code: str) -> None:
        """It went wrong, in an error's stable code."""


class Tracing:
    """No traces at all."""

    def span(self, _name: str, _kind: Kind, _parent: Trace | None = None) -> AbstractContextManager[Span]:
        """A span of the trace that is under way here, or of `parent`'s, or of a new one."""
        return _NO_SPAN

    def parent(self, _traceparent: bytes | None) -> Trace | None:
        """What a caller's trace goes on from."""
        return None

    def here(self) -> Trace | None:
        """The trace that is under way, to carry it over a queue."""
        return None

    def under(self, _parent: Trace | None) -> AbstractContextManager[None]:
        """Spans in here are of that trace."""
        return nullcontext()

    def remember(self, _key: Hashable) -> None:
        """What comes of this later is of the trace that is under way here."""

    def recalled(self, *_keys: Hashable) -> Trace | None:
        """The trace that the first of these that is known is of."""
        return None

    def carried(self) -> dict[str, str]:
        """The headers by which a receiver goes on with the trace that is under way."""
        return {}

    def close(self) -> None:
        """Export what waits, within seconds."""


_NO_SPAN: AbstractContextManager[Span] = nullcontext(Span())


class _Recorded(Span):
    def __init__(self, span: OtelSpan, error: Any) -> None:
        self._span = span
        self._error = error

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, **attributes: str | int) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(name.replace("__", "."), value)

    def fail(self, code: str) -> None:
        self._span.set_attribute("error.type", code)
        self._span.set_status(self._error)


class Exporting(Tracing):
    """Traces, sent to a collector over OTLP/HTTP in the background."""

    def __init__(
        self, endpoint: str, *, headers: Mapping[str, str], service: str, version: str, node: str, share: float
    ) -> None:
        """`endpoint` without `/v1/traces`; `share` of new traces that are recorded. Raises SettingsError."""
        try:
            from opentelemetry import context, propagate, trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
        except ImportError as error:
            raise SettingsError(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, but its SDK is not installed: pip install teleflow[tracing]"
            ) from error
        self._context, self._trace, self._propagate = context, trace, propagate
        resource = Resource({"service.name": service, "service.version": version, "service.instance.id": node})
        exporter = OTLPSpanExporter(
            f"{endpoint.rstrip('/')}/v1/traces", headers=dict(headers), timeout=_EXPORT_WITHIN_S
        )
        # Of a provider of our own: nothing is global, and two services in one process don't mix.
        self._provider = TracerProvider(
            sampler=ParentBasedTraceIdRatio(share), resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=_QUEUE, export_timeout_millis=_EXPORT_WITHIN_S * 1000)
        )
        self._tracer = self._provider.get_tracer("teleflow", version)
        self._error = trace.Status(trace.StatusCode.ERROR)
        self._known: OrderedDict[Hashable, Trace] = OrderedDict()

    @contextmanager
    def span(self, name: str, kind: Kind, parent: Trace | None = None) -> Iterator[Span]:
        started = self._tracer.start_span(name, parent, self._trace.SpanKind[kind])
        with self._trace.use_span(started, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield _Recorded(started, self._error)

    def parent(self, traceparent: bytes | None) -> Trace | None:
        if traceparent is None:
            return None
        return self._propagate.extract({"traceparent": traceparent.decode("latin-1")}, self._context.Context())

    def here(self) -> Trace | None:
        return self._context.get_current()

    @contextmanager
    def under(self, parent: Trace | None) -> Iterator[None]:
        token = self._context.attach(parent if parent is not None else self._context.Context())
        try:
            yield
        finally:
            self._context.detach(token)

    def remember(self, key: Hashable) -> None:
        if self._trace.get_current_span().get_span_context().trace_flags.sampled:
            self._known[key] = self._context.get_current()
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def recalled(self, *keys: Hashable) -> Trace | None:
        return next((self._known[key] for key in keys if key in self._known), None)

    def carried(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        self._propagate.inject(headers)
        return {name: value for name, value in headers.items() if name == "traceparent"}

    def close(self) -> None:
        """What a collector that is away has not taken by then is lost: a stop is not to wait for it."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces-shutdown", daemon=True)
        ending.start()
        ending.join(_CLOSE_WITHIN_S)


def tracing_to(
    endpoint: str | None, *, headers: Mapping[str, str], service: str, version: str, node: str, share: float
) -> Tracing:
    """Traces that go to this collector; none without one. Raises SettingsError."""
    if endpoint is None:
        return Tracing()
    return Exporting(endpoint, headers=headers, service=service, version=version, node=node, share=share)
