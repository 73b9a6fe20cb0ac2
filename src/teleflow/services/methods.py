"""Any method of the layer through a session of one's own, by its name.

The classes of methods go with the scopes: `read`, `write`, and for what is dangerous `admin`. What writes is in the
audit log before it is asked for, by its name and without its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teleflow.errors import Forbidden, Invalid, NotFound, Uncertain
from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.operations.invoke import InvokeMethod
from teleflow.model.peers import Peer, parse_ref
from teleflow.model.users import Principal, Scope
from teleflow.services.in_use import SessionsInUse
from teleflow.services.ports import Layer, Reach
from teleflow.storage.base import AuditStore

_WITHIN_S = 30.0
_LEAST_S = 0.5
_SCOPES = {"read": Scope.READ, "write": Scope.WRITE, "dangerous": Scope.ADMIN}
_MOST_REFS = 200


class Methods:
    """Use cases of the layer."""

    def __init__(self, sessions: SessionsInUse, reach: Reach, audit: AuditStore, layer: Layer, clock: Clock) -> None:
        self._sessions = sessions
        self._reach = reach
        self._audit = audit
        self._layer = layer
        self._clock = clock

    @property
    def layer(self) -> int:
        return self._layer.number

    async def invoke(self, principal: Principal, session_id: str, method: str, params: Mapping[str, Any]) -> Any:
        """The answer as JSON. Raises NotFound(METHOD_NOT_FOUND, SESSION_NOT_FOUND), Forbidden, Invalid with the path
        of what does not fit, and what the call raises; Uncertain where it may have been carried out.
        """
        session = await self._sessions.of(principal, session_id)
        kind, why = self._class(method, params)
        if kind == "refused":
            raise Forbidden(f"{method} is not for invoke: {why}", code="METHOD_REFUSED")
        scope = _SCOPES[kind]
        if not principal.may(scope):
            raise Forbidden(
                f"{method} is a {kind} call: it needs the scope {scope.value}" + (f" ({why})" if why else ""),
                code="METHOD_FORBIDDEN",
            )
        repeatable = self._layer.is_repeatable(method, kind)
        if principal.begun_at is not None and not repeatable:
            raise Uncertain("The service ended while this was asked of Telegram, which may have done it")
        until = loop_time() + _WITHIN_S
        peers = await self._peers(session.id, self._layer.refs(method, params), until)
        if kind != "read":
            now = milliseconds(self._clock.time())
            entry = AuditEntry.by(principal, Act.METHOD_INVOKED, now=now, target=session.id, method=method)
            await self._audit.add_audit(entry)
        operation = InvokeMethod(method, params, peers, repeatable=repeatable, act=principal.act)
        invoked = await self._reach.call(session.id, operation, within=max(_LEAST_S, until - loop_time()))
        return invoked.result

    def methods(self, *, query: str, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Those whose name has `query` in it, in the order of their names, and the name to go on `after`."""
        found = _page(self._layer.method_names(), query, after, limit)
        return [self._layer.method(name) for name in found[:limit]], found[limit - 1] if len(found) > limit else None

    def method(self, name: str) -> dict[str, Any]:
        """Raises NotFound(METHOD_NOT_FOUND)."""
        self._class(name)
        return self._layer.method(name) | {"schema": self._layer.method_schema(name)}

    def types(self, *, query: str, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        found = _page(self._layer.type_names(), query, after, limit)
        told = [{"name": name, "constructors": self._layer.constructors(name)} for name in found[:limit]]
        return told, found[limit - 1] if len(found) > limit else None

    def type(self, name: str) -> dict[str, Any]:
        """Raises NotFound(TYPE_NOT_FOUND)."""
        if name not in self._layer.type_names():
            raise NotFound("The layer has no such type", code="TYPE_NOT_FOUND")
        return {
            "name": name,
            "constructors": self._layer.constructors(name),
            "schema": self._layer.type_schema(name),
        }

    def _class(self, method: str, params: Mapping[str, Any] | None = None) -> tuple[str, str]:
        found = self._layer.class_of(method, params)
        if found is None:
            like = list(self._layer.like(method))
            raise NotFound(
                f"Layer {self._layer.number} has no such method",
                code="METHOD_NOT_FOUND",
                details={"didYouMean": like} if like else None,
            )
        return found

    async def _peers(self, session_id: str, refs: frozenset[str], until: float) -> dict[str, Peer]:
        if len(refs) > _MOST_REFS:
            message = f"At most {_MOST_REFS} peer refs in one call"
            raise Invalid(message, code="TOO_MANY_PEERS", details={"fields": [{"field": "params", "message": message}]})
        return {
            ref: await self._reach.peer(
                session_id, parse_ref(ref, field="params"), within=max(_LEAST_S, until - loop_time())
            )
            for ref in sorted(refs)
        }


def _page(names: Any, query: str, after: str, limit: int) -> list[str]:
    wanted = query.lower()
    return [name for name in names if name > after and wanted in name.lower()][: limit + 1]
