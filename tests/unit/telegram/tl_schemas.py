"""Values made from the layer's JSON Schemas, as a client would that knows nothing else of it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from typing import Any

from teleflow.telegram.tl import names
from teleflow.telegram.tl.layer import Layer

LAYER = Layer()
TYPES: dict[str, list[dict[str, Any]]] = {name: LAYER.type_schema(name)["oneOf"] for name in names.types()}
_TEXTS = ("", "x", "ünï", "\x00", "0", "-5", "9" * 18, "9" * 20, "QQ==", "QR==", "QUJD", "QQ", "====", "A" * 22 + "==",
          "A" * 43 + "=")  # fmt: skip
_REALS = (0, -1, 5.0, 1.5, 1e308)
_DEEPEST = 2  # below it each object is the one of its type that needs least


def _type_in(reference: str) -> str:
    return reference.rpartition("/")[2]


def _least() -> dict[str, tuple[int, dict[str, Any]]]:
    """Of each type the form that is the shallowest, and its depth."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}

    def depth(schema: dict[str, Any]) -> int:
        if "anyOf" in schema:
            return min(map(depth, schema["anyOf"]))
        if "$ref" in schema:
            name = _type_in(schema["$ref"])
            return found[name][0] if name in found else 1_000
        return max((depth(schema["properties"][name]) for name in schema.get("required", ())), default=-1) + 1

    changed = True
    while changed:
        changed = False
        for name, forms in TYPES.items():
            form = min(forms, key=depth)
            if (own := depth(form)) < found.get(name, (1_000,))[0]:
                found[name], changed = (own, form), True
    return found


LEAST = _least()


class Values:
    """`whole` is what an optional field's chance is, the deep ones' left out."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def object(
        self, form: dict[str, Any], *, whole: float = 0.5, wanted: Iterable[str] = (), depth: int = 0
    ) -> dict[str, Any]:
        """With the fields that it requires, those `wanted`, those that come with them, and others as it happens."""
        chosen = set(wanted) | set(form.get("required", ()))
        if depth <= _DEEPEST:
            chosen |= {name for name in form["properties"] if self._chance.random() < whole}
        for name in list(chosen):
            chosen.update(form.get("dependentRequired", {}).get(name, ()))
        return {name: self.value(one, depth) for name, one in form["properties"].items() if name in chosen}

    def value(self, schema: dict[str, Any], depth: int) -> Any:
        chance = self._chance
        if "const" in schema:
            return schema["const"]
        if "anyOf" in schema:
            forms = schema["anyOf"]
            shallow = depth >= _DEEPEST
            return self.value(min(forms, key=_cost) if shallow else chance.choice(forms), depth)
        if "$ref" in schema:
            name = _type_in(schema["$ref"])
            form = LEAST[name][1] if depth >= _DEEPEST else chance.choice(TYPES[name])
            return self.object(form, depth=depth + 1)
        kinds = schema["type"]
        match kinds if isinstance(kinds, str) else chance.choice(kinds):
            case "array":
                count = chance.randint(0, 2) if depth <= _DEEPEST else 0
                return [self.value(schema["items"], depth + 1) for _ in range(count)]
            case "boolean":
                return chance.random() < 0.5
            case "integer":
                least, most = schema["minimum"], schema["maximum"]
                return chance.choice([least, most, 0, 1, 5.0])
            case "number":
                return chance.choice(_REALS)
            case "string" if schema.get("description") == "A peer ref":
                return "me"
            case "string":
                return chance.choice([text for text in _TEXTS if re.search(schema.get("pattern", ""), text)])
        raise AssertionError(schema)


def _cost(schema: dict[str, Any]) -> int:
    return LEAST[_type_in(schema["$ref"])][0] if "$ref" in schema else 0


def forms() -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """(its name, whether it is a method, the schema) of everything in the layer."""
    for method in names.methods():
        yield method, True, LAYER.method_schema(method)
    for found in TYPES.values():
        for form in found:
            yield form["title"], False, form
