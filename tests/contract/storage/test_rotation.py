"""Keys are changed by one command at a time: of two, one would strike off what the other has just sealed with."""

from __future__ import annotations

from pathlib import Path

import pytest

from teleflow.config import KeptKey, Settings, load_settings
from teleflow.errors import Conflict
from teleflow.ops import rotation
from teleflow.ops.keyring import take_possession
from teleflow.ops.opened import opened

from .complete import complete


@pytest.fixture
async def settings(url: str, tmp_path: Path) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = load_settings({"DATABASE_URL": url, "TELEFLOW_DATA_DIR": str(folder)})
    async with opened(settings) as at:
        await take_possession(at.storage, at.seal)
        await complete(at.storage, at.seal)
    return settings


async def test_a_second_one_is_refused_before_it_has_read_a_key(settings: Settings) -> None:
    kept = KeptKey(settings.teleflow_data_dir)
    async with rotation.changing(settings) as at:
        (before,) = kept.all()
        with pytest.raises(Conflict) as raised:
            async with rotation.changing(settings):
                pass
        assert raised.value.code == "KEYS_CHANGING"
        assert (await rotation.rotate(at)).settled
        assert before in kept.all()[1:]
        assert await rotation.forget(at) == 1
    async with rotation.changing(settings) as at:
        assert (await rotation.rotate(at)).renewed
