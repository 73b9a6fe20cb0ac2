"""What a commit writes: absolute operations, so that doing them again changes nothing.

A list of them can be kept as one piece of BSON (the intent of a server without transactions).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateOne

from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.schema import INDEXES, PREFIX

PUT, SET, REMOVE, CLEAR = 1, 2, 3, 4
Request = InsertOne[Doc] | ReplaceOne[Doc] | UpdateOne | DeleteOne | DeleteMany
_AT_ONCE = 1_000  # in one request to the server
# A name that one document gives up is free when another one takes it.
_ORDERED = frozenset(PREFIX + index.collection for index in INDEXES if index.unique)


@dataclass(frozen=True, slots=True)
class Operation:
    """`doc` is the whole document, the fields that change, or the filter; `id` is that of the document.

    `fresh`: there is no such document yet, which is only so the first time.
    """

    collection: str
    kind: int
    id: Any
    doc: Doc
    fresh: bool = False
    raw: bytes | None = None  # the document as it goes over the wire

    @property
    def whole(self) -> Any:
        """The document, as the driver takes it."""
        return self.doc if self.raw is None else RawBSONDocument(self.raw)

    def request(self) -> Request:
        if self.kind == PUT:
            doc = self.whole
            return InsertOne(doc) if self.fresh else ReplaceOne({"_id": self.id}, doc, upsert=True)
        if self.kind == SET:
            return UpdateOne({"_id": self.id}, {"$set": self.doc})
        if self.kind == REMOVE:
            return DeleteOne({"_id": self.id})
        return DeleteMany(self.doc)

    def in_bulk(self, namespace: int) -> Doc:
        """As the server's command `bulkWrite` has it; `namespace` is the place of the collection in its list."""
        if self.kind == PUT:
            if self.fresh:
                return {"insert": namespace, "document": self.whole}
            return {"update": namespace, "filter": {"_id": self.id}, "updateMods": self.whole, "upsert": True}
        if self.kind == SET:
            return {"update": namespace, "filter": {"_id": self.id}, "updateMods": {"$set": self.doc}}
        if self.kind == REMOVE:
            return {"delete": namespace, "filter": {"_id": self.id}}
        return {"delete": namespace, "filter": self.doc, "multi": True}


def in_requests(operations: Sequence[Operation]) -> Iterator[tuple[str, list[Operation], bool]]:
    """Neighbours of one collection together, and whether their order matters: what is cleared goes first."""
    for (collection, _), several in groupby(operations, key=lambda one: (one.collection, one.kind == CLEAR)):
        some = list(several)
        for start in range(0, len(some), _AT_ONCE):
            yield collection, some[start : start + _AT_ONCE], collection in _ORDERED


def encoded(operations: Sequence[Operation]) -> list[bytes]:
    """In pieces, each small enough for a document of its own."""
    pieces: list[bytes] = []
    together: list[list[Any]] = []
    size = 0
    for one in operations:
        raw = one.raw or bson.encode(one.doc)
        if together and size + len(raw) > _PIECE:
            pieces.append(bson.encode({"o": together}))
            together, size = [], 0
        together.append([one.collection, one.kind, one.id, RawBSONDocument(raw)])
        size += len(raw) + 256
    if together:
        pieces.append(bson.encode({"o": together}))
    return pieces


_PIECE = 8 * 2**20


def as_one_command(operations: Sequence[Operation], database: str) -> Doc:
    """The server's command `bulkWrite` (MongoDB 8; for `admin`): it stops at the first that is refused."""
    places: dict[str, int] = {}
    ops = [one.in_bulk(places.setdefault(one.collection, len(places))) for one in operations]
    return {
        "bulkWrite": 1,
        "ops": ops,
        "nsInfo": [{"ns": f"{database}.{collection}"} for collection in places],
        "ordered": True,
        "errorsOnly": True,
    }


def fits_one_command(operations: Sequence[Operation]) -> bool:
    """Whether they are to go to the server as one `bulkWrite`, which surely takes them."""
    if len(operations) > _MOST_IN_BULK:
        return False
    return sum(len(one.raw or bson.encode(one.doc)) + 256 for one in operations if one.kind == PUT) <= _PIECE


def new_ones_apart(operations: Sequence[Operation]) -> tuple[list[Operation], list[tuple[str, list[Operation]]]]:
    """All but the collections' many new documents, and these: they may be written after the others.

    A new document gives up no name that another one could take.
    """
    new: dict[str, list[Operation]] = {}
    for one in operations:
        if one.kind == PUT and one.fresh:
            new.setdefault(one.collection, []).append(one)
    many = {collection: some for collection, some in new.items() if len(some) > _FEW}
    others = [one for one in operations if one.collection not in many or one.kind != PUT or not one.fresh]
    return others, list(many.items())


_FEW = 8

# So few that the journeys are what costs; more of one collection are quicker in a command of their own.
_MOST_IN_BULK = 32


def decoded(pieces: Sequence[bytes]) -> list[Operation]:
    return [Operation(*one) for piece in pieces for one in bson.decode(piece)["o"]]
