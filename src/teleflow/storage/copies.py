"""One running service for one installation, however often its directory was copied.

A copy has the same Telegram keys, and two clients on one key end the login for both. The lock on the directory does
not see a copy; this one goes by the installation's id, which the database holds, and is good for one machine. It is
a name in the kernel's abstract namespace: it leaves no file, and is gone with the process, however that ends. Where
there is no such namespace (outside Linux), nothing is held.
"""

from __future__ import annotations

import errno
import hashlib
import socket
import sys
from types import TracebackType
from typing import Self

from teleflow.errors import SettingsError


class InstallationLock:
    """Held inside `with`. Raises SettingsError when the same installation runs already."""

    def __init__(self, installation: str) -> None:
        # The id itself is nobody's business, and every process on the machine may list such names.
        self._name = "\0teleflow/" + hashlib.sha256(installation.encode()).hexdigest()[:32]
        self._socket: socket.socket | None = None

    def is_held(self) -> bool:
        """Whether a process has it. Takes nothing: nobody who starts meanwhile is refused for it."""
        if sys.platform != "linux":
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
            try:
                caller.connect(self._name)
            except OSError:
                return False
            return True

    def __enter__(self) -> Self:
        if sys.platform == "linux":
            held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                held.bind(self._name)
            except OSError as error:
                held.close()
                if error.errno == errno.EADDRINUSE:
                    raise SettingsError(
                        "TELEFLOW_DATA_DIR: this is a copy of a directory on which a TeleFlow is running: two on the"
                        " same Telegram logins would end them; stop the other one first"
                    ) from error
                raise SettingsError(f"TELEFLOW_DATA_DIR: the directory can't be locked: {error.strerror}") from error
            self._socket = held
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held, self._socket = self._socket, None
        if held is not None:
            held.close()
