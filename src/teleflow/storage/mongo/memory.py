"""What the writer remembers from one batch to the next, so that hot documents are not read again for each.

Every batch, whichever process it is of, counts the writer's document on (its fence). The one after ours proves that
nobody wrote in between; any other number, and all is forgotten. That holds as long as every write is of a batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from teleflow.storage.mongo.match import Doc, Where, matches

KEPT = frozenset({"users", "sessions", "event_logs", "update_positions", "webhooks", "broadcasts", "send_jobs"})
_MOST = 10_000  # documents
_LARGEST = 4_096  # characters of a text in one
Key = tuple[str, Any]


class Memory:
    def __init__(self) -> None:
        self._fence: int | None = None
        self._docs: OrderedDict[Key, Doc] = OrderedDict()

    def at(self, fence: int) -> None:
        """A batch begins. What was remembered is forgotten unless it is the next one."""
        if self._fence is None or fence != self._fence + 1:
            self.forget()

    def get(self, key: Key) -> Doc | None:
        doc = self._docs.get(key)
        if doc is not None:
            self._docs.move_to_end(key)
        return doc

    def passed(self, fence: int) -> None:
        """The batch wrote nothing; the database's count is this now."""
        if self._fence is not None:
            self._fence = fence

    def learn(
        self,
        fence: int,
        read: Iterable[tuple[Key, Doc | None]],
        clears: Iterable[tuple[str, Sequence[Where]]],
        written: Iterable[tuple[Key, Doc | None]],
    ) -> None:
        """The batch stands."""
        self._fence = fence
        for key, doc in read:
            if doc is not None and key not in self._docs:
                self._keep(key, doc)
        for collection, wheres in clears:
            if collection in KEPT:
                gone = [key for key, doc in self._docs.items() if key[0] == collection and _any(doc, wheres)]
                for key in gone:
                    del self._docs[key]
        for key, doc in written:
            self._docs.pop(key, None)
            if doc is not None:
                self._keep(key, doc)
        while len(self._docs) > _MOST:
            self._docs.popitem(last=False)

    def forget(self) -> None:
        self._fence = None
        self._docs.clear()

    def _keep(self, key: Key, doc: Doc) -> None:
        if key[0] not in KEPT or (key[0] == "send_jobs" and not doc["is_open"]):
            return
        if all(len(value) <= _LARGEST for value in doc.values() if isinstance(value, str | bytes)):
            self._docs[key] = doc


def _any(doc: Doc, wheres: Sequence[Where]) -> bool:
    return any(matches(doc, where) for where in wheres)
