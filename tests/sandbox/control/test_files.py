"""What the control API says and changes of files, and what a client then experiences."""

from __future__ import annotations

import io

import pytest
from telethon import errors, functions, types

from teleflow.sandbox.world import file_control
from tests.sandbox.telethon_rig import ANN, trusted_keys
from tests.sandbox.telethon_rig import sandbox as started

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__)
__all__ = ["trusted_keys"]


async def test_files_are_listed_moved_and_their_references_end(http, sandbox):
    found = (await http.get("/world/files")).json()
    assert (found["referenceLife"], found["dc"], found["files"]) == (86400, None, [])
    assert (await http.post("/world/files", json={"referenceLife": 60})).json()["referenceLife"] == 60
    for wrong in ({"referenceLife": -1}, {"dc": 9}, {"expire": "now"}, {"life": 1}, {}):
        answer = await http.post("/world/files", json=wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    missing = await http.post("/world/files", json={"file": "1", "dc": 2})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "FILE_NOT_FOUND")
    sandbox.control.save()
    await http.post("/world/files", json={"referenceLife": 5})
    sandbox.control.load()
    assert (await http.get("/world/files")).json()["referenceLife"] == 60


async def test_a_moved_file_is_found_at_its_data_centre():
    async with started(dcs=(4,)) as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        ann = await box.login(ANN)
        sent = await ann.send_file("me", io.BytesIO(b"x" * 5000), attributes=[types.DocumentAttributeFilename("a.bin")])
        (file,) = box.world.files.by_id.values()
        file_control.change(box.world, {"file": str(file.id), "dc": 4}, {2, 4})
        kept = sent.document
        place = types.InputDocumentFileLocation(kept.id, kept.access_hash, kept.file_reference, "")
        with pytest.raises(errors.FileMigrateError) as caught:
            await ann(functions.upload.GetFileRequest(place, 0, 4096))
        assert caught.value.new_dc == 4
        assert await ann.download_media(sent, bytes) == b"x" * 5000
        file_control.change(box.world, {"expire": True}, {2, 4})
        with pytest.raises(errors.FileReferenceExpiredError):
            await ann(functions.upload.GetFileRequest(place, 0, 4096))
