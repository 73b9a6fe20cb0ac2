"""Whose traceback the log gets: of what went wrong, not of what was refused to many on purpose."""

from __future__ import annotations

from teleflow.api.errors import Refusal, trace_of
from teleflow.errors import Internal, StorageUnavailable, Unavailable


def test_a_refusal_on_purpose_has_none_and_what_went_wrong_has() -> None:
    assert trace_of(Unavailable("Too many at once", code="BUSY")) is None
    assert trace_of(Refusal(Unavailable("Too many at once", code="BUSY"), status=503)) is None
    away = StorageUnavailable("away")
    away.__cause__ = ConnectionRefusedError("nobody listens")
    for error in (Internal("unexpected"), away, Refusal(away, status=503)):
        assert trace_of(error) is error
