"""The world's files from outside: which there are, where they live, and how long references to them are good."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from teleflow.sandbox.world.errors import ControlError
from teleflow.sandbox.world.media_records import File
from teleflow.sandbox.world.world import World

PAGE = 100
LONGEST = 10 * 365 * 24 * 3600


def shown(world: World, limit: int = PAGE) -> dict[str, Any]:
    """How files are kept, and the newest of them."""
    files = world.files
    newest = list(files.by_id.values())[::-1][: max(0, limit)]
    return {
        "referenceLife": files.reference_life,
        "dc": files.dc or None,
        "count": len(files.by_id),
        "files": [_shown(world, file) for file in newest],
    }


def _shown(world: World, file: File) -> dict[str, Any]:
    owner = world.people.by_id.get(file.owner)
    return {
        "id": str(file.id),
        "kind": file.kind,
        "size": file.size,
        "mime": file.mime,
        "dc": file.dc,
        "owner": f"+{owner.phone}" if owner is not None else None,
    }


def change(world: World, body: Mapping[str, Any], dcs: Collection[int]) -> dict[str, Any]:
    """`referenceLife` in seconds; `dc` of new files (0: their owner's), or with `file` of that one; `expire` now.

    Everything is looked at before anything changes.
    """
    unknown = set(body) - {"referenceLife", "dc", "file", "expire"}
    if unknown or not body:
        raise ControlError(422, "VALIDATION_ERROR", "files have referenceLife, dc, file and expire")
    life, dc = body.get("referenceLife"), body.get("dc")
    if life is not None and (isinstance(life, bool) or not isinstance(life, int | float) or not 0 <= life <= LONGEST):
        raise ControlError(422, "VALIDATION_ERROR", f"referenceLife must be 0 to {LONGEST} seconds")
    if dc is not None and (isinstance(dc, bool) or not isinstance(dc, int) or dc not in {0, *dcs}):
        raise ControlError(422, "VALIDATION_ERROR", f"dc must be 0 or one of {', '.join(map(str, sorted(dcs)))}")
    if not isinstance(body.get("expire", False), bool):
        raise ControlError(422, "VALIDATION_ERROR", "expire must be true or false")
    files = world.files
    if "file" in body:
        file = files.by_id.get(int(body["file"])) if str(body["file"]).isdecimal() else None
        if file is None:
            raise ControlError(404, "FILE_NOT_FOUND", "there is no file with that id")
        if not dc:
            raise ControlError(422, "VALIDATION_ERROR", "a file is moved to a dc")
        files.move(file, dc)
    elif dc is not None:
        files.settings = msgspec.structs.replace(files.settings, dc=dc)
    if life is not None:
        files.settings = msgspec.structs.replace(files.settings, reference_life=float(life))
    if body.get("expire"):
        files.expire_references()
    return shown(world)
