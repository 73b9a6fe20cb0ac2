"""What the world refuses, in words of the control API."""

from __future__ import annotations


class ControlError(Exception):
    """A refused control request: HTTP status, stable code, sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
