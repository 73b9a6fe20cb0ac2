"""The OpenAPI document is complete: names, errors, and examples that are as their schemas say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from teleflow.api import examples
from tests.support.openapi import document

DOCUMENT = document()
NAME = re.compile(r"[a-z]+\.[a-z][A-Za-z]*")


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for item in DOCUMENT["paths"].values():
        for declared in item.values():
            yield declared["operationId"], declared


OPERATIONS = dict(operations())


def fits(schema: dict[str, Any], value: Any) -> None:
    """Raises where it does not."""
    jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_every_operation_has_a_name_of_its_own_a_noun_and_a_verb() -> None:
    names = Counter(name for name, _ in operations())
    assert not [name for name, times in names.items() if times > 1]
    assert not [name for name in names if not NAME.fullmatch(name)]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_examples_that_are_as_its_schemas_say(name: str) -> None:
    declared = OPERATIONS[name]
    contents = declared.get("requestBody", {}).get("content", {})
    for media, content in contents.items():
        if media != "multipart/form-data":
            fits(content["schema"], content["example"])
    answers = [response for status, response in declared["responses"].items() if status[0] in "12"]
    assert answers
    for answer in answers:
        for media, content in answer.get("content", {}).items():
            if media == "application/json":
                fits(content["schema"], content["example"])
    for parameter in declared.get("parameters", ()):
        if parameter.get("required"):
            fits(parameter["schema"], parameter["example"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_declares_the_errors_that_it_can_have(name: str) -> None:
    declared = OPERATIONS[name]
    wanted = {"503"}
    if declared["security"]:
        wanted |= {"400", "401"}
    if declared.get("x-scope") in {"write", "admin"}:
        wanted.add("403")
    if "requestBody" in declared:
        wanted |= {"400", "413", "415", "422"}
    if any(one["in"] == "path" for one in declared.get("parameters", ())):
        wanted.add("404")
    if any(one["name"] == "Idempotency-Key" for one in declared.get("parameters", ())):
        wanted |= {"409", "422"}
    assert wanted <= set(declared["responses"])
    for status, response in declared["responses"].items():
        if status[0] not in "123":
            assert response["description"]
            assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}


def test_no_example_is_of_nothing() -> None:
    assert not (set(examples.REQUESTS) | set(examples.ANSWERS)) - set(OPERATIONS)
