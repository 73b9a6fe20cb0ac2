"""The two ways in which the world says no: to a client, and to the control API."""

from __future__ import annotations


class Refused(Exception):
    """A request that Telegram's rules forbid: Telegram's code and name. `rpc` answers it as it is."""

    def __init__(self, name: str, code: int = 400) -> None:
        super().__init__(f"{code} {name}")
        self.name = name
        self.code = code


class ControlError(Exception):
    """A refused control request: HTTP status, stable code, sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
