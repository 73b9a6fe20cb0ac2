"""The running layer as other layers of the program see it: by names, classes and JSON Schema."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from teleflow.telegram.tl import codec, names
from teleflow.telegram.tl.classes import MethodClass, class_of, dearness_of
from teleflow.telegram.tl.fields import Field, Kind, fields_of

_RETURNS = re.compile(r":returns ([\w.<>]+):")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DIGIT = "[A-Za-z0-9+/]"


def _within(kind: Kind) -> dict[str, int]:
    least, most = codec.RANGE[kind]
    return {"minimum": least, "maximum": most}


def _base64(pattern: str) -> dict[str, Any]:
    return {"type": "string", "contentEncoding": "base64", "pattern": f"^{pattern}$"}


_PLAIN: Mapping[Kind, dict[str, Any]] = {
    Kind.INT: {"type": "integer"} | _within(Kind.INT),
    Kind.UINT: {"type": "integer"} | _within(Kind.UINT),
    Kind.LONG: {"type": ["string", "integer"], "pattern": "^-?[0-9]{1,19}$"} | _within(Kind.LONG),
    Kind.INT128: _base64(_DIGIT + "{22}=="),
    Kind.INT256: _base64(_DIGIT + "{43}="),
    Kind.DOUBLE: {"type": "number"},
    Kind.STRING: {"type": "string"},
    Kind.BYTES: _base64(f"({_DIGIT}{{4}})*({_DIGIT}{{2}}==|{_DIGIT}{{3}}=)?"),
    Kind.BOOL: {"type": "boolean"},
    Kind.FLAG: {"type": "boolean"},
    Kind.DATE: {"type": "integer", "description": "Unix seconds"} | _within(Kind.DATE),
}
_REF: dict[str, Any] = {"type": ["string", "integer"], "description": "A peer ref"} | _within(Kind.LONG)


class Layer:
    """`number` is the layer's. Names are the schema's: ``messages.sendMessage``, ``InputPeer``."""

    number: int = names.LAYER

    def method_names(self) -> Sequence[str]:
        return list(names.methods())

    def type_names(self) -> Sequence[str]:
        return list(names.types())

    def class_of(self, method: str, params: Mapping[str, Any] | None = None) -> tuple[str, str] | None:
        """(read, write, dangerous or refused; why) of a call; None for no method of this layer."""
        if method not in names.methods():
            return None
        kind, why = class_of(method)
        if kind in {MethodClass.READ, MethodClass.WRITE} and params and (dear := dearness_of(params)):
            return MethodClass.DANGEROUS.value, dear
        return kind.value, why

    def is_repeatable(self, method: str, kind: str) -> bool:
        """Whether Telegram carries a call of this class out once though it comes twice: it reads, or has a
        random_id.
        """
        fields = fields_of(names.methods()[method])
        return kind == MethodClass.READ or any(field.is_drawn for field in fields)

    def like(self, method: str) -> Sequence[str]:
        """Names that may have been meant."""
        return difflib.get_close_matches(method[:100], names.methods(), n=3, cutoff=0.7)

    def refs(self, method: str, params: Mapping[str, Any]) -> frozenset[str]:
        """The peer refs in the parameters. Raises Invalid for what does not fit the schema."""
        return codec.refs_in(method, params)

    def method(self, name: str) -> dict[str, Any]:
        """One method in a few words."""
        kind, why = class_of(name)
        told: dict[str, Any] = {"name": name, "class": kind.value, "returns": _returns(names.methods()[name])}
        told["params"] = [_said(field) for field in fields_of(names.methods()[name])]
        return told | ({"why": why} if why else {})

    def method_schema(self, name: str) -> dict[str, Any]:
        """JSON Schema of the parameters; types are told by `type_schema`."""
        return {"$schema": _DIALECT, "title": name, **_object(names.methods()[name], None)}

    def type_schema(self, name: str) -> dict[str, Any]:
        """JSON Schema of a type: one of its constructors."""
        kinds = names.types()[name]
        forms = [_object(kind, names.name_of(kind)) for kind in kinds]
        return {"$schema": _DIALECT, "title": name, "oneOf": forms}

    def constructors(self, name: str) -> list[str]:
        return [names.name_of(kind) for kind in names.types()[name]]


def _returns(kind: Any) -> str:
    found = _RETURNS.search(kind.__init__.__doc__ or "")
    return found[1] if found else ""


def _said(field: Field) -> dict[str, Any]:
    told: dict[str, Any] = {"name": field.name, "type": " | ".join(field.types) or field.kind.value}
    if field.vector:
        told["vector"] = True
    if not field.optional:
        told["required"] = True
    return told


def _object(kind: Any, name: str | None) -> dict[str, Any]:
    properties: dict[str, Any] = {} if name is None else {"_": {"const": name}}
    required = [] if name is None else ["_"]
    for field in fields_of(kind):
        one = _schema(field)
        properties[field.name] = {"type": "array", "items": one} if field.vector else one
        if not (field.optional or field.is_drawn):
            required.append(field.name)
    together: dict[str, list[str]] = {}
    for group in codec.shape_of(kind)[1]:
        for field in group:
            together[field.name] = [one.name for one in group if one is not field]
            if field.kind is Kind.FLAG:  # it is there with the others, or left out
                properties[field.name] = {"const": True, **properties[field.name]}
    told: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if together:
        told["dependentRequired"] = together
    return told | ({"title": name} if name else {}) | ({"required": required} if required else {})


def _schema(field: Field) -> dict[str, Any]:
    if field.kind is not Kind.OBJECT:
        return _PLAIN[field.kind]
    forms: list[dict[str, Any]] = [{"$ref": f"/api/v1/tl/types/{name}"} for name in field.types]
    if codec.PEERS.intersection(field.types):
        forms.append(_REF)
    if not forms:
        return {"type": "object", "properties": {"_": {"type": "string"}}, "required": ["_"]}
    return forms[0] if len(forms) == 1 else {"anyOf": forms}
