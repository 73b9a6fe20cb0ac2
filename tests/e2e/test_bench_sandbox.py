"""The bench of the sandbox in its short form: everything arrives, and what each costs has the right order of magnitude.

What is judged is the CPU time of the sandbox's process, against bounds that a busy machine does not reach.
"""

from __future__ import annotations

import statistics

import pytest

from proofs.bench import sandbox
from proofs.bench.sandbox import Found, Scale, judged, measured

SHORT = Scale(
    rounds=1,
    seconds=1.0,
    warm_up=0.3,
    people=40,
    sessions=200,
    sample=10,
    settle=0.5,
    quiet=1.0,
    parts=8,
    kinds=("private", "mix", "supergroup"),
    connections=(2,),
)


async def test_the_sandbox_has_the_right_order_of_magnitude() -> None:
    found = await measured(SHORT)

    def core(name: str) -> float:
        return statistics.median(each["core"] for each in found[name])

    assert core("handshakes") >= sandbox.HANDSHAKES / 5
    assert core("handshakes, pure") > 0
    for kind in ("mix", "supergroup"):
        for name in (kind, f"{kind}, kept"):
            assert core(name) >= sandbox.DELIVERED / 5
    assert core("private") >= sandbox.DELIVERED / 20
    assert core("files 2") >= sandbox.FILE_MB / 5
    (sessions,) = found["sessions"]
    assert sessions["sessionKib"] <= sandbox.SESSION_KIB
    assert sessions["arrived"] == SHORT.sample
    rows = {row.what.strip(): row for row in judged(found, SHORT).rows}
    assert rows["messages lost or refused"].holds


class Good(dict[str, float]):
    """Figures that hold, but for those given."""

    def __missing__(self, name: str) -> float:
        known = {"lost": 0.0, "refused": 0.0, "sessionKib": 1.0, "arrived": float(SHORT.sample)}
        return known.get(name, 1e6)


def found_but(name: str, **wrong: float) -> Found:
    kinds = [each for kind in SHORT.kinds for each in (kind, f"{kind}, kept")]
    names = ["handshakes", "handshakes, pure", "files 2", "files up", "sessions", *kinds]
    return {each: [Good(wrong if each == name else {})] for each in names}


@pytest.mark.parametrize(
    ("name", "figure", "value"),
    [
        ("mix", "lost", 1),
        ("supergroup, kept", "refused", 1),
        ("mix", "core", sandbox.DELIVERED - 1),
        ("handshakes", "core", sandbox.HANDSHAKES - 1),
        ("files 2", "core", sandbox.FILE_MB - 1),
        ("sessions", "sessionKib", sandbox.SESSION_KIB + 1),
        ("sessions", "arrived", SHORT.sample - 1),
    ],
)
def test_each_bound_can_break_the_bench(name: str, figure: str, value: float) -> None:
    assert judged(found_but("none"), SHORT).holds
    assert not judged(found_but(name, **{figure: value}), SHORT).holds
