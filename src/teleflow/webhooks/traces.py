"""A delivery as part of the trace whose request its event came of."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from teleflow.model.webhooks import Due, Webhook
from teleflow.tracing import Span, Trace, Tracing
from teleflow.webhooks.egress import Answer


class _Data(msgspec.Struct, rename="camel"):
    """What of an event's data may say where it comes from."""

    id: str | int | None = None
    job_id: str | None = None
    chat_id: str | int | None = None
    message_id: str | int | None = None


class _Body(msgspec.Struct, rename="camel"):
    session_id: str | None = None
    data: _Data = msgspec.field(default_factory=_Data)


_decode = msgspec.json.Decoder(_Body).decode


def cause(tracing: Tracing, due: Due) -> Trace | None:
    """The trace of the request that led to this event; None for what others did, and for what is long ago."""
    if type(tracing) is Tracing:
        return None
    try:
        body = _decode(due.body)
    except msgspec.DecodeError:  # a type of event whose data has such a name for something else
        return None
    data = body.data
    keys: list[object] = [data.job_id, data.id]
    with suppress(ValueError):
        keys.append((body.session_id, int(data.chat_id or 0), int(data.message_id or 0)))
    return tracing.recalled(*keys)


def tell(span: Span, webhook: Webhook, due: Due, answer: Answer) -> None:
    span.note(teleflow__webhook=webhook.id, teleflow__event=due.event_type, teleflow__attempt=due.attempts + 1)
    if answer.status is not None:
        span.note(http__response__status_code=answer.status)
    if answer.status is None or answer.status >= 400:
        span.fail(answer.error or str(answer.status))
