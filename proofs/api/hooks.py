"""Loaded by schemathesis in its own process: what it draws is given real ids, so that it gets past 404.

The document's examples, and three of four requests whose path, query or body is meant to be right, get them there;
what is meant to be wrong stays as it is. An Idempotency-Key is a new one each time. `PROOF_IDS`: JSON, field name →
values that are real; `id` has the beginning of its path before it.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import schemathesis

IDS: dict[str, list[Any]] = json.loads(os.environ["PROOF_IDS"])
GIVEN = {"path_parameters": "path", "query": "query", "body": "body"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    del context, kwargs
    right = {location.value: info.mode.is_positive for location, info in case.meta.components.items()}
    if case.headers and "Idempotency-Key" in case.headers and right.get("header", True):
        case.headers["Idempotency-Key"] = f"fuzz-{case.id}"
    for attribute, location in GIVEN.items():
        values = getattr(case, attribute)
        if not isinstance(values, dict) or not right.get(location, True):
            continue
        chance = zlib.crc32(repr((case.operation.label, values)).encode())
        if chance % 4 == 0 and case.meta.phase.name.value != "examples":
            continue
        for name in list(values):
            real = IDS.get(name) or IDS.get(f"{case.operation.path.split('/{')[0]} {name}")
            if real is None:
                continue
            value = real[chance // 4 % len(real)]
            values[name] = [value] if isinstance(values[name], list) and not isinstance(value, list) else value
