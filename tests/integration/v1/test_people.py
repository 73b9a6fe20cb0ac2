"""Contacts, the account's profile, its privacy and its logins: judged by an unmodified Telethon on the other side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from telethon.errors import UserIsBlockedError
from telethon.tl import functions as f
from telethon.tl import types as tl

from tests.integration.files.rig import Post, png, posting
from tests.integration.gateway.rig import ANN, EVE

DAY = 86_400


async def ask(post: Post, method: str, path: str, body: Any = None, **query: Any) -> Any:
    answer = await post.rig.http.request(
        method, f"/api/v1{path}", json=body, params=query or None, headers=post.headers
    )
    return answer.status_code, answer.json()


async def done(post: Post, method: str, path: str, body: Any = None, **query: Any) -> Any:
    status, told = await ask(post, method, path, body, **query)
    assert status in {200, 201}, told
    return told["data"]


async def refused(post: Post, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
    status, told = await ask(post, method, path, body, **query)
    return status, told["error"]["code"]


async def test_contacts_come_and_go(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        of = {"sessionId": post.session}
        entries = [
            {"phone": EVE, "firstName": "Eva", "lastName": "E."},
            {"phone": "+15550109999", "firstName": "Nobody"},
        ]
        eve, nobody = await done(post, "POST", "/contacts/import", {**of, "contacts": entries})
        assert (eve["person"]["firstName"], eve["person"]["isContact"]) == ("Eva", True)
        assert nobody == {"phone": "+15550109999"}
        added = await done(
            post, "POST", "/contacts", {**of, "chatId": str(post.bob_id), "firstName": "Bobby", "sharePhone": True}
        )
        assert (added["id"], added["firstName"]) == (str(post.bob_id), "Bobby")
        names = {one["firstName"] for one in await done(post, "GET", "/contacts", **of)}
        assert names == {"Eva", "Bobby"}
        ann = await post.bob.get_entity(post.to_ann)
        assert ann.phone  # she shared it
        found = await done(post, "GET", "/contacts/search", **of, query="Bob")
        assert [one["id"] for one in found["known"]] == [str(post.bob_id)]
        told = await done(post, "GET", "/contacts/resolve", **of, chatId=EVE)
        assert told == {"chatId": eve["person"]["id"], "type": "user"}
        assert await refused(post, "GET", "/contacts/resolve", **of, chatId="+15550109998") == (404, "PEER_NOT_FOUND")
        await done(post, "POST", "/contacts/delete", {**of, "chatIds": [str(post.bob_id), eve["person"]["id"]]})
        assert await done(post, "GET", "/contacts", **of) == []


async def test_the_blocked_can_t_write_until_they_are_let_again(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        bob = {"sessionId": post.session, "chatId": str(post.bob_id)}
        for _ in range(2):
            await done(post, "POST", "/contacts/block", bob)
        (shown,) = await done(post, "GET", "/contacts/blocked", sessionId=post.session)
        assert (shown["id"], shown["type"]) == (str(post.bob_id), "user")
        assert shown["blockedAt"].endswith("Z")
        before = await post.newest()
        with pytest.raises(UserIsBlockedError):
            await post.bob.send_message(post.to_ann, "do you hear me?")
        assert (await post.newest())["id"] == before["id"]
        await done(post, "POST", "/contacts/unblock", bob)
        assert await done(post, "GET", "/contacts/blocked", sessionId=post.session) == []
        await post.bob.send_message(post.to_ann, "and now?")
        assert (await post.newest())["text"] == "and now?"


async def test_the_profile_is_what_others_see(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        me = f"/sessions/{post.session}/me"
        changed = await done(post, "PATCH", me, {"firstName": "Anna", "about": "at your service"})
        assert (changed["firstName"], changed.get("lastName")) == ("Anna", None)
        assert (await done(post, "PUT", f"{me}/username", {"username": "@anna_of_tests"}))[
            "username"
        ] == "anna_of_tests"
        again = await done(post, "PUT", f"{me}/username", {"username": "anna_of_tests"})
        assert again["username"] == "anna_of_tests"
        full = await post.bob(f.users.GetFullUserRequest("anna_of_tests"))
        assert (full.users[0].first_name, full.full_user.about) == ("Anna", "at your service")
        assert (await done(post, "PATCH", me, {}))["firstName"] == "Anna"
        assert await refused(post, "PATCH", me, {"firstName": "\x00"}) == (422, "VALIDATION_ERROR")
        assert (await refused(post, "PUT", f"{me}/username", {"username": "a!"}))[0] == 422

        picture = png(200, 200)
        files = {"file": ("me.png", picture, "image/png")}
        answer = await post.rig.http.put(f"/api/v1{me}/photo", files=files, headers=post.headers)
        assert answer.status_code == 200, answer.text
        assert await post.bob.download_profile_photo("anna_of_tests", bytes)
        file_id = answer.json()["data"]["photoFileId"]
        got = await post.rig.http.get(f"/api/v1/sessions/{post.session}/files/{file_id}", headers=post.headers)
        assert got.content == picture
        html = {"file": ("me.png", b"<svg onload=alert(1)>", "image/svg+xml")}
        answer = await post.rig.http.put(f"/api/v1{me}/photo", files=html, headers=post.headers)
        assert answer.status_code == 415
        large = {"file": ("me.png", picture + b"x" * (10 * 1024 * 1024), "image/png")}
        answer = await post.rig.http.put(f"/api/v1{me}/photo", files=large, headers=post.headers)
        assert answer.status_code == 413
        assert (await done(post, "DELETE", f"{me}/photo"))["done"] is True
        assert (await done(post, "DELETE", f"{me}/photo"))["done"] is False
        sent = await post.sent(png(300, 300), "seen.png")
        by_id = await done(post, "PUT", f"{me}/photo", {"fileId": sent["media"]["fileId"]})
        assert by_id["photoFileId"]


async def test_privacy_holds_for_others(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        path = f"/sessions/{post.session}/privacy"
        rules = [{"rule": "disallow_users", "chatIds": [str(post.bob_id)]}, {"rule": "allow_all"}]
        told = await done(post, "PUT", f"{path}/profile_photo", {"rules": rules})
        assert told == [{"rule": "disallow_users", "userIds": [str(post.bob_id)]}, {"rule": "allow_all"}]
        assert await done(post, "GET", f"{path}/profile_photo") == told
        seen = await post.bob(f.account.GetPrivacyRequest(tl.InputPrivacyKeyProfilePhoto()))
        assert [type(rule).__name__ for rule in seen.rules] != []  # Bob's own, and untouched by hers
        for odd in (
            {"rules": [{"rule": "allow_users"}]},
            {"rules": [{"rule": "allow_all", "chatIds": [str(post.bob_id)]}]},
            {"rules": [{"rule": "allow_chat_participants", "chatIds": [str(post.bob_id)]}]},
            {"rules": [{"rule": "allow_whom_i_like"}]},
            {"rules": []},
        ):
            assert await refused(post, "PUT", f"{path}/profile_photo", odd) == (422, "VALIDATION_ERROR"), odd
        assert (await refused(post, "GET", f"{path}/shoe_size"))[0] == 422
        admin = await post.rig.token("admin", "the admin's own one")
        log = (await post.rig.http.get("/api/v1/audit", headers=admin)).json()["data"]["items"]
        assert any(entry["action"] == "session.privacy_changed" for entry in log)


async def test_other_logins_are_seen_and_ended_and_never_the_session_s_own(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        path = f"/sessions/{post.session}/authorizations"
        logins = post.rig.sandbox.world.logins
        phone = await second_login(post)
        current, other = await done(post, "GET", path)
        assert (current["isCurrent"], current["id"], other.get("isCurrent")) == (True, "0", None)
        assert await refused(post, "DELETE", f"{path}/0") == (409, "AUTHORIZATION_CURRENT")
        assert await refused(post, "DELETE", f"{path}/{other['id']}") == (403, "LOGIN_TOO_NEW")
        for known in logins.authorizations.values():
            known.created -= 2 * DAY
        assert await refused(post, "DELETE", f"{path}/12345") == (404, "AUTHORIZATION_NOT_FOUND")
        await done(post, "DELETE", f"{path}/{other['id']}")
        assert len(await done(post, "GET", path)) == 1
        assert await phone.get_me() is None
        await phone.disconnect()
        phone = await second_login(post)
        await done(post, "DELETE", path)
        assert len(await done(post, "GET", path)) == 1
        await phone.disconnect()
        assert (await done(post, "GET", f"/sessions/{post.session}/me"))["firstName"] == "Ann"


async def test_stories_are_read_and_their_files_fetched(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        bob = {"sessionId": post.session, "chatId": str(post.bob_id)}
        await done(post, "POST", "/contacts", {**bob, "firstName": "Bob"})
        picture = png(220, 330)
        media = tl.InputMediaUploadedPhoto(await post.bob.upload_file(picture, file_name="story.png"))
        rules = [tl.InputPrivacyValueAllowAll()]
        request = f.stories.SendStoryRequest(tl.InputPeerSelf(), media, rules, pinned=True, caption="look")
        answer = await post.bob(request)
        number = next(one.id for one in answer.updates if isinstance(one, tl.UpdateStoryID))

        (group,) = await done(post, "GET", f"/sessions/{post.session}/stories")
        (story,) = group["stories"]
        assert (group["chatId"], story["id"], story["text"]) == (str(post.bob_id), number, "look")
        assert (story["audience"], story["media"]["type"]) == ("public", "photo")
        chat = f"/chats/{post.bob_id}/stories"
        of = {"sessionId": post.session}
        again = [*(await done(post, "GET", chat, **of))["stories"], *await done(post, "GET", f"{chat}/pinned", **of)]
        again.append(await done(post, "GET", f"{chat}/{number}", **of))
        # each time with a file reference of that time, and so with another id of the file
        assert [{**one, "media": None} for one in again] == [{**story, "media": None}] * 3
        assert await refused(post, "GET", f"{chat}/999", **of) == (404, "STORY_NOT_FOUND")
        got = await post.rig.http.get(
            f"/api/v1/sessions/{post.session}/files/{story['media']['fileId']}", headers=post.headers
        )
        assert got.content == picture
        await post.bob(f.stories.DeleteStoriesRequest(tl.InputPeerSelf(), [number]))
        assert await done(post, "GET", f"/sessions/{post.session}/stories") == []


async def second_login(post: Post) -> Any:
    """Ann's phone: another program that is logged in to her account."""
    from telethon import TelegramClient
    from telethon.sessions import StringSession

    sandbox = post.rig.sandbox
    session = StringSession()
    session.set_dc(sandbox.dc_id, sandbox.host, sandbox.port)
    phone: Any = TelegramClient(session, 1, "hash", connection_retries=1, retry_delay=0.1, request_retries=1)
    await phone.connect()
    await phone.send_code_request(ANN)
    await phone.sign_in(ANN, post.rig.code(ANN))
    return phone
