"""Any method of the layer, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class Invoked:
    """`result` is JSON; `whom` tells the peers that came with it, and is asked once the caller has been answered."""

    result: Any
    whom: Callable[[], Sequence[Known]] = tuple


@dataclass(frozen=True, slots=True)
class InvokeMethod(Operation[Invoked]):
    """`params` as JSON; `peers` says who is meant by each peer ref in them.

    The `random_id`s that are left out are drawn, or are those of `act` where there is one: the same whenever it comes.
    """

    method: str  # type: ignore[misc]  # this one operation has many
    params: Mapping[str, Any] = field(default_factory=dict)
    peers: Mapping[str, Peer] = field(default_factory=dict)
    repeatable: bool = True  # type: ignore[misc]
    act: str | None = None
