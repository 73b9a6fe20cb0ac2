"""Operations on files. They go to the data centre that has the file, on a link beside the session's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.media import FileRef
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Peer


@dataclass(frozen=True, slots=True)
class ReadPart(Operation[bytes]):
    """upload.getFile: bytes from `offset` on, `limit` at most, fewer at the end of the file.

    `thumb` names a thumbnail; `peer` is whose photo it is, where it is one's. `offset` is a multiple of 4096, `limit`
    divides 1 MiB, and both stay within one MiB.
    """

    file: FileRef
    offset: int
    limit: int
    thumb: str = ""
    peer: Peer | None = None
    method: ClassVar[str] = "upload.getFile"

    @property
    def dc_id(self) -> int:
        return self.file.dc_id
