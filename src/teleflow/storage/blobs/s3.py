"""The file cache in a bucket of anything that speaks S3.

Promises: an object is there whole or not at all (it is put in one request, whose length is told first); one whose
length is not the file's is not given; a bucket that is slow or away costs a download some seconds at most, and its file
is not kept. What is kept for how long is the matter of the bucket's own rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import httpx2
import structlog

from teleflow.errors import Unavailable
from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.storage.blobs.signature import Signer, encoded

_log = structlog.get_logger(__name__)
_ASK_S = 10.0
_PUT_S = 30.0  # in which some of an object has to be taken
_WAITING = 3  # pieces
_LARGEST = 5 * 1024**3  # that S3 takes in one request
_PIECE = 512 * 1024


class S3Blobs:
    """See `base.Blobs` and the module. `url` is that of the bucket, with a prefix if there is to be one."""

    def __init__(
        self, url: str, signer: Signer, clock: Clock, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        parsed = httpx2.URL(url)
        self._origin = f"{parsed.scheme}://{parsed.netloc.decode()}"
        self._host = parsed.netloc.decode()
        self._prefix = parsed.path.rstrip("/")
        self._signer = signer
        self._clock = clock
        self._transport = transport
        self._tasks = Tasks("s3")
        self._coming: set[str] = set()
        self._client: httpx2.AsyncClient | None = None

    async def start(self) -> None:
        """Asks nobody: a bucket that is away is no reason not to start."""
        timeout = httpx2.Timeout(_ASK_S, read=_PUT_S, write=_PUT_S)
        self._client = httpx2.AsyncClient(
            timeout=timeout, follow_redirects=False, trust_env=False, transport=self._transport
        )

    async def stop(self) -> None:
        await self._tasks.close(timeout=2)
        if self._client is not None:
            await self._client.aclose()

    async def open(self, key: str, size: int) -> S3Blob | None:
        try:
            async with asyncio.timeout(_ASK_S):
                answer = await self.client.send(self.request("HEAD", key, {}))
        except (httpx2.HTTPError, OSError) as error:
            _log.warning("cache.not_readable", cause=type(error).__name__)
            return None
        if answer.status_code != 200:
            if answer.status_code != 404:
                _log.warning("cache.not_readable", status=answer.status_code)
            return None
        return S3Blob(self, key) if answer.headers.get("content-length") == str(size) else None

    async def keep(self, key: str, size: int) -> S3Keeping | None:
        if key in self._coming or size > _LARGEST:
            return None
        self._coming.add(key)
        keeping = S3Keeping(self, key, size)
        keeping.putting = self._tasks.start(self._put(keeping), "put")
        return keeping

    async def _put(self, keeping: S3Keeping) -> None:
        headers = {"content-length": str(keeping.size), "content-type": "application/octet-stream"}
        request = self.request("PUT", keeping.key, headers, keeping.pieces())
        try:
            answer = await self.client.send(request)
            if answer.status_code not in {200, 201}:
                _log.warning("cache.not_writable", status=answer.status_code)
        except _Dropped:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the download must not suffer
            _log.warning("cache.not_writable", cause=type(error).__name__)
        finally:
            keeping.broken = True  # whoever adds more need not wait

    def settle(self, key: str) -> None:
        """It is not being kept any more."""
        self._coming.discard(key)

    @property
    def client(self) -> httpx2.AsyncClient:
        if self._client is None:
            raise RuntimeError("the cache has not been started")
        return self._client

    def request(
        self, method: str, key: str, headers: dict[str, str], content: AsyncIterator[bytes] | None = None
    ) -> httpx2.Request:
        path = f"{self._prefix}/{key}"
        signed = self._signer.headers(method, self._host, path, self._clock.time(), headers)
        return self.client.build_request(method, self._origin + encoded(path), headers=signed, content=content)


class S3Blob:
    """See `base.Blob`."""

    def __init__(self, blobs: S3Blobs, key: str) -> None:
        self._blobs = blobs
        self._key = key

    async def read(self, first: int, last: int) -> AsyncGenerator[bytes, None]:
        left = last + 1 - first
        try:
            request = self._blobs.request("GET", self._key, {"range": f"bytes={first}-{last}"})
            answer = await self._blobs.client.send(request, stream=True)
            try:
                if answer.status_code != 206:
                    raise Unavailable("The cache does not give this file", code="CACHE_BROKEN")
                async for piece in answer.aiter_raw(_PIECE):
                    left -= len(piece)
                    yield piece
            finally:
                await answer.aclose()
        except (httpx2.HTTPError, OSError) as error:
            raise Unavailable("The cache can't be read", code="CACHE_BROKEN") from error
        if left:
            raise Unavailable("The cache has less of this file than it had", code="CACHE_BROKEN")


class _Dropped(Exception):
    """The file is not to be kept after all."""


class S3Keeping:
    """See `base.Keeping`."""

    def __init__(self, blobs: S3Blobs, key: str, size: int) -> None:
        self.key = key
        self.size = size
        self.broken = False
        self.putting: asyncio.Task[None] | None = None
        self._blobs = blobs
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)
        self._done = False
        self._added = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """What is put, as it comes. Raises _Dropped: then the request ends short of its length, and nothing is kept."""
        while True:
            async with asyncio.timeout(_PUT_S * 4):
                piece = await self._waiting.get()
            if piece is None:
                if not self._done:
                    raise _Dropped
                return
            yield piece

    async def add(self, piece: bytes) -> None:
        if self.broken:
            return
        try:
            async with asyncio.timeout(_ASK_S):
                await self._waiting.put(piece)
            self._added += len(piece)
        except TimeoutError:
            self.broken = True

    async def done(self) -> None:
        if self.broken or self.putting is None or self._added != self.size:
            return
        self._done = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_ASK_S):
                await self._waiting.put(None)
                await asyncio.wait([self.putting])

    async def drop(self) -> None:
        if self.putting is not None and not self.putting.done():
            self.putting.cancel()
            await asyncio.wait([self.putting], timeout=2)
        self._blobs.settle(self.key)
