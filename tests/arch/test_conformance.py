"""The conformance table is whole, and its check finds what it is there to find."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from scripts import conformance
from teleflow.config import Settings

SECTIONS = {
    section["title"]: [row["what"] for row in section["rows"]]
    for section in tomllib.loads(conformance.DATA.read_text("utf-8"))["section"]
}


@pytest.mark.parametrize(
    ("title", "rows"),
    [
        ("Seed 1: variables", 12),
        ("Seed 2: variables", 13),
        ("Seed 2: events", 28),
        ("Seed 2: error codes", 14),
    ],
)
def test_nothing_countable_is_missing(title: str, rows: int) -> None:
    assert len(SECTIONS[title]) == rows


def test_every_variable_of_the_older_services_is_a_setting() -> None:
    titles = ("Seed 1: variables", "Seed 2: variables")
    named = {name for title in titles for row in SECTIONS[title] for name in re.findall(r"`(\w+)`", row)}
    assert named <= {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"what": "a", "tests": ["tests/no/such.py::test_a"]}, "no file tests/no/such.py"),
        ({"what": "a", "tests": ["tests/arch/test_conformance.py::test_gone"]}, "no test test_gone"),
        ({"what": "a"}, "neither a test nor"),
    ],
)
def test_a_row_without_a_living_proof_is_found(row: dict[str, object], complaint: str) -> None:
    assert complaint in " ".join(conformance.problems([{"title": "t", "rows": [row]}]))


def test_a_stale_page_is_found() -> None:
    proven = {"what": "a", "tests": ["tests/arch/test_conformance.py::test_a_stale_page_is_found"]}
    assert conformance.problems([{"title": "t", "rows": [proven]}]) == [
        "docs/conformance.md is stale: run scripts/conformance.py"
    ]


def test_every_route_that_is_served_has_a_row() -> None:
    rows = {row for title, rows in SECTIONS.items() if title.endswith("routes") for row in rows}
    served = {
        f"`{verb.upper()} {path}`"
        for path, verbs in json.loads((conformance.ROOT / "openapi.json").read_text("utf-8"))["paths"].items()
        for verb in verbs
    }
    assert served - rows == set()
