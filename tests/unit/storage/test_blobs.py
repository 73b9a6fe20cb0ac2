"""The file cache in a bucket: how requests are signed, and what becomes of trouble."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from teleflow.config import load_settings
from teleflow.errors import SettingsError, Unavailable
from teleflow.kit.clock import SystemClock
from teleflow.storage.blobs.choice import chosen
from teleflow.storage.blobs.s3 import S3Blobs
from teleflow.storage.blobs.signature import Signer

KEY = "ab" * 32
ACCESS, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # Amazon's own example


def test_a_request_is_signed_as_amazon_s_own_example() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Example: GET Object"."""
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    signed = Signer(ACCESS, SECRET).headers(
        "GET", "examplebucket.s3.amazonaws.com", "/test.txt", 1369353600, {"range": "bytes=0-9"}, payload=nothing
    )
    assert signed["authorization"].endswith(
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


async def streamed(data: bytes) -> AsyncIterator[bytes]:
    yield data


class Bucket:
    """A bucket as httpx2's transport: `objects` by path."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refuses = False

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        assert re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=A/\d{8}/r/s3/aws4_request,.*", request.headers["authorization"]
        )
        if self.refuses:
            return httpx2.Response(503)
        path = request.url.path
        if request.method == "PUT":
            body = await request.aread()
            if len(body) != int(request.headers["content-length"]):
                return httpx2.Response(400)
            self.objects[path] = body
            return httpx2.Response(200)
        found = self.objects.get(path)
        if found is None:
            return httpx2.Response(404)
        if request.method == "HEAD":
            return httpx2.Response(200, headers={"content-length": str(len(found))})
        first, last = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
        return httpx2.Response(206, content=streamed(found[first : last + 1]))


async def kept(blobs: S3Blobs, data: bytes, *, size: int | None = None) -> None:
    keeping = await blobs.keep(KEY, len(data) if size is None else size)
    assert keeping is not None
    for at in range(0, len(data), 1000):
        await keeping.add(data[at : at + 1000])
    await keeping.done()
    await keeping.drop()


async def test_a_file_is_put_in_one_request_and_read_by_range() -> None:
    bucket = Bucket()
    signer = Signer("A", "S", "r")
    blobs = S3Blobs("http://s3:9000/files/all", signer, SystemClock(), transport=httpx2.MockTransport(bucket))
    await blobs.start()
    data = bytes(range(256)) * 40
    assert await blobs.open(KEY, len(data)) is None
    await kept(blobs, data)
    assert bucket.objects == {f"/files/all/{KEY}": data}
    assert await blobs.open(KEY, len(data) - 1) is None  # not the file that is meant
    found = await blobs.open(KEY, len(data))
    assert found is not None
    assert b"".join([piece async for piece in found.read(100, 5000)]) == data[100:5001]
    bucket.objects[f"/files/all/{KEY}"] = data[:200]
    with pytest.raises(Unavailable):
        [piece async for piece in found.read(100, 5000)]
    await blobs.stop()


async def test_a_file_that_did_not_come_whole_is_not_kept_and_a_bucket_that_is_away_costs_nothing() -> None:
    bucket = Bucket()
    signer = Signer("A", "S", "r")
    blobs = S3Blobs("http://s3:9000/files", signer, SystemClock(), transport=httpx2.MockTransport(bucket))
    await blobs.start()
    half = await blobs.keep(KEY, 5000)
    assert half is not None
    await half.add(b"x" * 1000)
    assert await blobs.keep(KEY, 5000) is None  # once at a time
    await half.drop()
    assert bucket.objects == {}
    bucket.refuses = True
    await kept(blobs, b"y" * 50_000)
    assert await blobs.open(KEY, 50_000) is None
    bucket.refuses = False
    await kept(blobs, b"y" * 50_000)
    assert await blobs.open(KEY, 50_000) is not None
    await blobs.stop()


@pytest.mark.parametrize(
    "given",
    [
        {"file_cache_s3_url": "s3://bucket"},
        {"file_cache_s3_url": "https://host"},
        {"file_cache_s3_url": "https://host/bucket"},
        {"file_cache_s3_url": "https://a:b@host/bucket", "file_cache_s3_access_key": "a"},
        {"file_cache_s3_url": "https://host/bucket", "file_cache_dir": "x"},
    ],
)
def test_settings_that_name_no_cache_refuse_the_start(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        chosen(load_settings({}, **given), SystemClock())
