"""Which framing does a client speak? Told from its first bytes, once.

`detect` needs at most 64 bytes. It does not read packets and keeps nothing.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from teleflow.sandbox.transport.framing import (
    ABRIDGED_TAG,
    INTERMEDIATE_TAG,
    PADDED_TAG,
    Abridged,
    Framing,
    Full,
    Intermediate,
    MalformedStreamError,
    PaddedIntermediate,
)

OBFUSCATED_HEAD = 64
_OTHER_PROTOCOLS = (b"GET ", b"POST", b"HEAD", b"OPTI", b"PVrG", b"PRI ", b"SSH-", b"\x16\x03\x01\x02")


class Detected:
    """A framing, how many of the first bytes it used up, and the ciphers of an obfuscated stream."""

    __slots__ = ("consumed", "decryptor", "encryptor", "framing")

    def __init__(
        self,
        framing: Framing,
        consumed: int,
        decryptor: CipherContext | None = None,
        encryptor: CipherContext | None = None,
    ) -> None:
        self.framing = framing
        self.consumed = consumed
        self.decryptor = decryptor
        self.encryptor = encryptor


def detect(head: bytes | bytearray) -> Detected | None:
    """The framing that `head` opens; None while more bytes are needed.

    Raises MalformedStreamError when no framing starts like this.
    """
    if head[:1] == bytes((ABRIDGED_TAG,)):
        return Detected(Abridged(), 1)
    if len(head) < 4:
        return None
    first = bytes(head[:4])
    if first == INTERMEDIATE_TAG:
        return Detected(Intermediate(), 4)
    if first == PADDED_TAG:
        return Detected(PaddedIntermediate(), 4)
    if first in _OTHER_PROTOCOLS:
        raise MalformedStreamError("another protocol")
    if len(head) < 8:
        return None
    if head[4:8] == b"\0\0\0\0":  # packet number 0
        return Detected(Full(), 0)
    if len(head) < OBFUSCATED_HEAD:
        return None
    return _obfuscated(bytes(head[:OBFUSCATED_HEAD]))


def _counter_mode(key: bytes, counter: bytes) -> CipherContext:
    return Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()


def _obfuscated(head: bytes) -> Detected:
    """The keys are in the header itself: forwards for the client's bytes, backwards for ours."""
    backwards = head[8:56][::-1]
    decryptor = _counter_mode(head[8:40], head[40:56])
    encryptor = _counter_mode(backwards[:32], backwards[32:48])
    tag = decryptor.update(head)[56:60]
    framing: Framing
    if tag == bytes((ABRIDGED_TAG,)) * 4:
        framing = Abridged()
    elif tag == INTERMEDIATE_TAG:
        framing = Intermediate()
    elif tag == PADDED_TAG:
        framing = PaddedIntermediate()
    else:
        raise MalformedStreamError("no framing starts like this")
    return Detected(framing, OBFUSCATED_HEAD, decryptor, encryptor)
