"""Temporary keys: `auth.bindTempAuthKey` opened and judged, and who stands for whom.

A client proves that it holds both keys by a message sealed (in the first version of the envelope) with the
permanent one. Raises Telegram's errors; what it finds right it writes on the temporary key's standing.
"""

from __future__ import annotations

import struct
from datetime import datetime
from hashlib import sha1
from typing import Any

from teleflow.sandbox.mtproto.envelope import KEY_SIZE, decrypt_ige
from teleflow.sandbox.mtproto.keys import AuthKey, KeyStore
from teleflow.sandbox.rpc.base import RpcError

BIND_INNER = 0x75A3F765
_HEAD = 24
_PLAIN = struct.Struct("<16xqii")
_INNER = struct.Struct("<IQQQqi")


def bind(keys: KeyStore, temporary: AuthKey, session_id: int, msg_id: int, request: Any, now: float) -> AuthKey:
    """The permanent key that `temporary` stands for from now on. Raises RpcError."""
    if temporary.expires_at is None:
        raise RpcError(400, "TEMP_AUTH_KEY_EMPTY")
    permanent = keys.get(request.perm_auth_key_id & 0xFFFF_FFFF_FFFF_FFFF)
    if permanent is None or permanent.expires_at is not None:
        raise RpcError(400, "ENCRYPTED_MESSAGE_INVALID")
    bound_to = temporary.standing.bound_to
    if bound_to not in {0, permanent.key_id}:
        raise RpcError(400, "TEMP_AUTH_KEY_ALREADY_BOUND")
    told_id, inner = _opened(permanent, request.encrypted_message)
    if told_id != msg_id:
        raise RpcError(400, "ENCRYPTED_MESSAGE_INVALID")
    constructor, nonce, temporary_id, permanent_id, told_session, expires_at = inner
    right = (BIND_INNER, request.nonce & 0xFFFF_FFFF_FFFF_FFFF, temporary.key_id, permanent.key_id, session_id)
    if (constructor, nonce, temporary_id, permanent_id, told_session) != right:
        raise RpcError(400, "ENCRYPTED_MESSAGE_INVALID")
    told = request.expires_at
    moment = int(told.timestamp() if isinstance(told, datetime) else told)  # the codec reads it as a date
    if expires_at != moment or moment <= now:
        raise RpcError(400, "EXPIRES_AT_INVALID")
    temporary.standing.bound_to = permanent.key_id
    keys.put(temporary)
    return permanent


def _opened(key: AuthKey, sealed: bytes) -> tuple[int, tuple[int, ...]]:
    """The message id and the fields of a binding message. Raises RpcError when it was not made with `key`."""
    size = len(sealed) - _HEAD
    if size < _PLAIN.size + _INNER.size or size % 16 or int.from_bytes(sealed[:8], "little") != key.key_id:
        raise RpcError(400, "ENCRYPTED_MESSAGE_INVALID")
    message_key = sealed[8:_HEAD]
    plain = decrypt_ige(sealed[_HEAD:], *first_version_cipher(key.key, message_key))
    msg_id, _seq, length = _PLAIN.unpack_from(plain)
    body = plain[_PLAIN.size : _PLAIN.size + length] if length == _INNER.size else b""
    if not body or _sha1(plain[: _PLAIN.size + length])[4:20] != message_key:
        raise RpcError(400, "ENCRYPTED_MESSAGE_INVALID")
    return msg_id, _INNER.unpack(body)


def first_version_cipher(key: bytes, message_key: bytes) -> tuple[bytes, bytes]:
    """AES key and vector of MTProto 1.0, of what a client seals."""
    assert len(key) == KEY_SIZE
    a = _sha1(message_key + key[:32])
    b = _sha1(key[32:48] + message_key + key[48:64])
    c = _sha1(key[64:96] + message_key)
    d = _sha1(message_key + key[96:128])
    return a[:8] + b[8:20] + c[4:16], a[8:20] + b[:8] + c[16:20] + d[:8]


def _sha1(data: bytes) -> bytes:
    return sha1(data).digest()  # noqa: S324 - the protocol says so


class Bindings:
    """Which temporary keys stand for a permanent one."""

    def __init__(self, keys: KeyStore) -> None:
        self._of: dict[int, tuple[int, ...]] = {}
        for key in keys.all():
            if key.standing.bound_to:
                self.add(key)

    def add(self, temporary: AuthKey) -> None:
        others = self._of.get(temporary.standing.bound_to, ())
        if temporary.key_id not in others:
            self._of[temporary.standing.bound_to] = (*others, temporary.key_id)

    def remove(self, temporary: AuthKey) -> None:
        left = tuple(each for each in self._of.get(temporary.standing.bound_to, ()) if each != temporary.key_id)
        if left:
            self._of[temporary.standing.bound_to] = left
        else:
            self._of.pop(temporary.standing.bound_to, None)

    def all_of(self, key_id: int) -> tuple[int, ...]:
        """The key and the temporary ones that stand for it."""
        return (key_id, *self._of[key_id]) if key_id in self._of else (key_id,)
