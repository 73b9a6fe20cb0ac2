"""Every method, constructor and type of the layer under the name that Telegram's schema has for it.

``messages.sendMessage`` for SendMessageRequest, ``inputPeerUser`` for InputPeerUser; types as ``InputPeer``.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any

import telethon.tl.functions
import telethon.tl.types
from telethon.tl import TLObject, TLRequest
from telethon.tl.alltlobjects import LAYER

__all__ = ["LAYER", "constructors", "methods", "name_of", "original", "type_name", "types", "types_called"]

_OF_TYPE = re.compile(r"\s*Constructor for ([\w.]+): Instance of")
# What wraps another request, or belongs to the transport: no method that one can call by itself.
_WRAPPERS = re.compile(r"^(invoke(With|After|Without)|initConnection|invokeAfter)")


@cache
def methods() -> Mapping[str, Any]:
    found = {_method_name(module, kind): kind for module, kind in _classes(telethon.tl.functions, TLRequest)}
    return MappingProxyType({name: kind for name, kind in sorted(found.items()) if not _WRAPPERS.match(name)})


@cache
def constructors() -> Mapping[str, Any]:
    return MappingProxyType(dict(sorted((name_of(kind), kind) for _, kind in _classes(telethon.tl.types, TLObject))))


@cache
def types() -> Mapping[str, tuple[Any, ...]]:
    """The constructors of each type, by the type's name."""
    found: dict[str, list[Any]] = {}
    for kind in constructors().values():
        found.setdefault(type_name(kind), []).append(kind)
    return MappingProxyType({name: tuple(kinds) for name, kinds in sorted(found.items())})


@cache
def types_called(name: str, space: str) -> tuple[str, ...]:
    """The types that an annotation ``Type<name>`` in the module `space` may mean: it leaves the namespace out."""
    own = tuple(one for one in dict.fromkeys((f"{space}{name}", name)) if one in types())
    plain = name.replace("_", "").lower()  # the transport's own are written in another way: future_salt
    return own or tuple(one for one in types() if one.rsplit(".", 1)[-1].lower() == plain)


@cache
def name_of(kind: Any) -> str:
    """Of a constructor."""
    kind = original(kind)
    return _space(kind.__module__) + _lower(kind.__name__)


@cache
def type_name(kind: Any) -> str:
    """Of the type that a constructor belongs to."""
    return _type_names()[kind.SUBCLASS_OF_ID]


@cache
def _type_names() -> Mapping[int, str]:
    """The id that its constructors share is the key. Where one has a docstring, it names the type; where none has,
    what their names have in common is as near as one can come.
    """
    families: dict[int, list[Any]] = {}
    for kind in constructors().values():
        families.setdefault(kind.SUBCLASS_OF_ID, []).append(kind)
    return {id_: _family(kinds) for id_, kinds in families.items()}


def _family(kinds: list[Any]) -> str:
    for kind in kinds:
        if found := _OF_TYPE.match(kind.__init__.__doc__ or ""):
            return found[1]
    if named := _unions().get(kinds[0].SUBCLASS_OF_ID):
        return named
    shared = _space(kinds[0].__module__) + _common([kind.__name__ for kind in kinds])
    return "storage.FileType" if shared == "storage.File" else shared


def _common(words: list[str]) -> str:
    """What they all begin with."""
    first, last = min(words), max(words)
    return next((first[:end] for end in range(len(first), 0, -1) if last.startswith(first[:end])), first)


@cache
def _unions() -> Mapping[int, str]:
    """The names that the module of types itself has for the types without a namespace."""
    found: dict[int, str] = {}
    for name, held in vars(telethon.tl.types).items():
        if name.startswith("Type") and getattr(held, "__name__", "") != name:
            first: Any = held if isinstance(held, type) else held.__args__[0]
            found[first.SUBCLASS_OF_ID] = name.removeprefix("Type")
    return found


@cache
def original(kind: Any) -> Any:
    """The class of the schema: Telethon puts subclasses of its own in the place of three."""
    return next(base for base in kind.__mro__ if base.__module__.startswith(("telethon.tl.types", "telethon.tl.func")))


def _method_name(module: ModuleType, kind: Any) -> str:
    return _space(module.__name__) + _lower(kind.__name__.removesuffix("Request"))


def _space(module: str) -> str:
    left = module.removeprefix("telethon.tl.types").removeprefix("telethon.tl.functions").lstrip(".")
    return f"{left}." if left else ""


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        yield importlib.import_module(found.name)


def _classes(package: ModuleType, base: Any) -> Iterator[tuple[ModuleType, Any]]:
    for module in _modules(package):
        for held in vars(module).values():
            if isinstance(held, type) and issubclass(held, base) and held is not base:
                kind = original(held)
                if kind.__module__ == module.__name__:
                    yield module, kind
