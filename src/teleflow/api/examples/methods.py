"""Of Telegram's methods by their names, and the layer's schema."""

from __future__ import annotations

from typing import Any

_REF = {"anyOf": [{"$ref": "/api/v1/tl/types/InputPeer"}, {"type": ["string", "integer"]}]}
_METHOD = {
    "name": "messages.readMentions",
    "class": "write",
    "returns": "messages.AffectedHistory",
    "params": [
        {"name": "peer", "type": "InputPeer", "required": True},
        {"name": "top_msg_id", "type": "int"},
    ],
}
_METHOD_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "messages.readMentions",
    "type": "object",
    "properties": {"peer": _REF, "top_msg_id": {"type": "integer"}},
    "additionalProperties": False,
    "required": ["peer"],
}
_TYPE = {"name": "InputGeoPoint", "constructors": ["inputGeoPoint", "inputGeoPointEmpty"]}
_TYPE_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "InputGeoPoint",
    "oneOf": [{"type": "object", "properties": {"_": {"const": "inputGeoPointEmpty"}}, "required": ["_"]}],
}

REQUESTS: dict[str, Any] = {"sessions.invoke": {"method": "messages.readMentions", "params": {"peer": "@ann"}}}
ANSWERS: dict[str, Any] = {
    "sessions.invoke": {
        "method": "messages.readMentions",
        "layer": 229,
        "result": {"_": "messages.affectedHistory", "pts": 1207, "pts_count": 0, "offset": 0},
    },
    "tl.methods": [_METHOD],
    "tl.method": {**_METHOD, "schema": _METHOD_SCHEMA},
    "tl.types": [_TYPE],
    "tl.type": {**_TYPE, "schema": _TYPE_SCHEMA},
}
