"""What the cache keeps of downloads, and for whom."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.files.rig import noise, posting

MB = 1024 * 1024


def kept_bytes(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.iterdir())


async def test_a_file_that_was_read_whole_comes_from_the_cache_and_to_its_user_only(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    async with posting(tmp_path / "data", file_cache_dir=cache, file_cache_bytes=40 * MB) as post:
        data = noise(2 * MB + 17)
        message = await post.sent(data, "a.bin", force_document=True)
        assert (await post.get(message, range="bytes=0-99")).content == data[:100]
        assert not list(cache.iterdir())  # a part is not kept
        assert (await post.get(message)).content == data
        (kept,) = cache.iterdir()
        asked = post.rig.calls("upload.getFile")
        assert (await post.get(message)).content == data
        assert (await post.get(message, range="bytes=1000000-1000009")).content == data[1_000_000:1_000_010]
        assert post.rig.calls("upload.getFile") == asked
        eve = await post.rig.user("eve", "+15550003")
        assert (await post.rig.http.get(post.path(message), headers=eve)).status_code == 404

        kept.write_bytes(data[:-1])  # shorter than it was
        assert (await post.get(message)).content == data
        assert post.rig.calls("upload.getFile") > asked
        (kept,) = cache.iterdir()
        await post.rig.stop()
        kept.write_bytes(data[:-1] + b"!")  # and of other bytes, while nobody looked
        (cache / ".0123456789abcdef.12345678.new").write_bytes(b"half of something")
        await post.rig.start()
        post.headers = await post.rig.token("ann")
        async with asyncio.timeout(20):
            while post.rig.gateway.runner.count < 1:
                await asyncio.sleep(0.02)
        assert (await post.get(message)).content == data
        assert [one.name for one in cache.iterdir() if one.name.startswith(".")] == []


async def test_the_cache_never_grows_over_its_room(tmp_path: Path) -> None:
    from teleflow.storage.blobs.local import LocalBlobs

    blobs = LocalBlobs(tmp_path, room=100_000)
    await blobs.start()
    for number in range(10):
        keeping = await blobs.keep(f"{number:064x}", 20_000)
        assert keeping is not None
        assert await blobs.keep(f"{number:064x}", 20_000) is None  # once at a time
        await keeping.add(bytes([number]) * 20_000)
        await keeping.done()
        await keeping.drop()
        assert kept_bytes(tmp_path) <= 100_000
        if number >= 2:
            assert await blobs.open(f"{1:064x}", 20_000) is not None  # what is asked for stays
    assert await blobs.open(f"{2:064x}", 20_000) is None
    assert await blobs.keep("f" * 64, 30_000) is None  # too large for this room
    again = LocalBlobs(tmp_path, room=100_000)
    await again.start()
    found = await again.open(f"{1:064x}", 20_000)
    assert found is not None
    assert b"".join([piece async for piece in found.read(5, 9)]) == b"\x01" * 5
    half = await again.keep("e" * 64, 10)
    assert half is not None
    await half.add(b"12345")
    await half.done()
    await half.drop()
    assert await again.open("e" * 64, 10) is None
