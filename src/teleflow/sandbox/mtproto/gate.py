"""Who may ask what: keys that have not introduced themselves, temporary keys that stand for nobody, keys that were
used from two places, keys that nobody needs any more.

Promises: the number of keys without a login is bounded, and one that nobody uses is forgotten in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from telethon.tl import functions

from teleflow.sandbox.mtproto.binding import Bindings, bind
from teleflow.sandbox.mtproto.keys import AuthKey, KeyStore
from teleflow.sandbox.mtproto.session import Session
from teleflow.sandbox.rpc.base import RpcError

UNBOUND_KEPT = 24 * 3600
"""Seconds for which a key that nobody is logged in with is kept after its last session was forgotten."""
MAX_TEMPORARY = 64
"""Temporary keys that stand for one permanent key at a time; the oldest go first, unused ones before all."""
MAX_UNBOUND = 20_000
"""Such keys at a time; the oldest go first."""

_BIND = functions.auth.BindTempAuthKeyRequest
_UNBOUND_MAY = "telethon.tl.functions.help"


class Gate:
    """See the module. `person_of` tells who is logged in with a key; `forgotten` hears of keys that go."""

    def __init__(
        self,
        keys: KeyStore,
        *,
        now: Callable[[], float],
        used: Callable[[int], bool],
        forgotten: Callable[[int], None],
    ) -> None:
        self._keys = keys
        self._now = now
        self._used = used
        self._forgotten = forgotten
        self.person_of: Callable[[int], str | None] = lambda _key_id: None
        self.bindings = Bindings(keys)

    def admit(self, key: AuthKey, request: Any) -> None:
        """Raises RpcError when the method may not be asked for on this key as it stands."""
        standing = key.standing
        if standing.refused:
            raise RpcError(406, standing.refused)
        if isinstance(request, _BIND):
            return
        if key.unbound and not type(request).__module__.startswith(_UNBOUND_MAY):
            raise RpcError(401, "AUTH_KEY_PERM_EMPTY")
        if not standing.introduced:
            raise RpcError(400, "CONNECTION_NOT_INITED")
        if standing.bound_to:
            permanent = self._keys.get(standing.bound_to)
            if permanent is None:
                raise RpcError(401, "AUTH_KEY_PERM_EMPTY")
            if permanent.standing.refused:
                raise RpcError(406, permanent.standing.refused)

    def introduced(self, key: AuthKey) -> None:
        """The client told something new of itself: it holds after a restart too."""
        self._keys.put(key)

    def bind(self, session: Session, msg_id: int, request: Any) -> None:
        """`auth.bindTempAuthKey`. Raises RpcError."""
        bind(self._keys, session.key, session.id, msg_id, request, self._now())
        self.bindings.add(session.key)
        standing_for = self.bindings.all_of(session.key.login)[1:-1]
        if len(standing_for) >= MAX_TEMPORARY:
            self.destroy(next((each for each in standing_for if not self._used(each)), standing_for[0]))

    def drop_temporary(self, key: AuthKey, spared: Iterable[int]) -> None:
        """`auth.dropTempAuthKeys`: what stands for the same login is gone, but for some (ids as TL has them)."""
        kept = {each & 0xFFFF_FFFF_FFFF_FFFF for each in spared}
        for each in self.bindings.all_of(key.login):
            if each != key.login and each not in kept:
                self.destroy(each)

    def login_of(self, key_id: int) -> int:
        """The key whose login this one uses."""
        key = self._keys.get(key_id)
        return key_id if key is None else key.login

    def refuse(self, key_id: int, error: str) -> None:
        """From now on everything on this key, and on those that stand for it, is answered by 406 `error`."""
        key = self._keys.get(self.login_of(key_id))
        if key is not None:
            key.standing.refused = error
            self._keys.put(key)

    # Forgetting.

    def destroy(self, key_id: int) -> None:
        """The key is gone, and so are those that stood for it."""
        for each in self.bindings.all_of(key_id):
            key = self._keys.get(each)
            if key is not None and key.standing.bound_to:
                self.bindings.remove(key)
            self._keys.remove(each)
            self._forgotten(each)

    def sweep(self) -> int:
        """Forget temporary keys that are over, and the unused ones without a login. Returns how many went."""
        now = self._now()
        gone: list[int] = []
        idle: list[AuthKey] = []
        for key in self._keys.all():
            if key.expires_at is not None and key.expires_at < now:
                gone.append(key.key_id)
            elif not self._used(key.key_id) and self._idle(key):
                if max(key.standing.used_at, key.created_at) < now - UNBOUND_KEPT:
                    gone.append(key.key_id)
                else:
                    idle.append(key)
        if len(idle) > MAX_UNBOUND:
            idle.sort(key=lambda key: max(key.standing.used_at, key.created_at))
            gone += [key.key_id for key in idle[: len(idle) - MAX_UNBOUND]]
        for key_id in gone:
            self.destroy(key_id)
        return len(gone)

    def _idle(self, key: AuthKey) -> bool:
        """Whether nobody is logged in with the key or with one that stands for it in use."""
        if self.person_of(key.login) is not None:
            return False
        return not any(self._used(each) for each in self.bindings.all_of(key.key_id))
