"""photos.*, and the photos of groups and channels."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.media_in import new_photo
from teleflow.sandbox.rpc.media_view import photo
from teleflow.sandbox.world import chat_founding
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Person

SMALLEST_SIDE = 160
PAGE = 100


def _changed(desk: Desk, caller: Caller, me: Person) -> None:
    desk.world.keep(me)
    update = types.UpdateUser(me.id)
    for each in desk.world.acquaintances(me):
        desk.tell(each, update, caller if each is me else None)


def _shown(desk: Desk, me: Person, number: int) -> Any:
    return types.photos.Photo(photo(desk.world, number), desk.view.users(me, {me.id}))


async def upload_profile_photo(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The newest photo is the one that is shown."""
    me = desk.me(caller)
    if request.file is None:
        raise RpcError(400, "PHOTO_FILE_MISSING" if request.video is None else "VIDEO_FILE_INVALID")
    file = new_photo(desk, me, request.file, square=SMALLEST_SIDE)
    me.photos.append(file.id)
    _changed(desk, caller, me)
    return _shown(desk, me, file.id)


async def update_profile_photo(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """An older photo comes to the front; without one the newest is taken away."""
    me = desk.me(caller)
    if isinstance(request.id, types.InputPhotoEmpty):
        if me.photos:
            me.photos.pop()
            _changed(desk, caller, me)
        return _shown(desk, me, me.photos[-1] if me.photos else 0)
    file = desk.world.files.named("photo", request.id, "PHOTO_ID_INVALID")
    if file.id not in me.photos and file.owner != me.id:
        raise RpcError(400, "PHOTO_ID_INVALID")
    me.photos = [*(each for each in me.photos if each != file.id), file.id]
    _changed(desk, caller, me)
    return _shown(desk, me, file.id)


async def delete_photos(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Returns the ids of those that are gone."""
    me = desk.me(caller)
    doomed = [each.id for each in request.id if isinstance(each, types.InputPhoto) and each.id in me.photos]
    if doomed:
        me.photos = [each for each in me.photos if each not in doomed]
        _changed(desk, caller, me)
    return doomed


async def get_user_photos(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Newest first."""
    me = desk.me(caller)
    person = desk.user(me, request.user_id)
    every = list(reversed(person.photos)) if desk.world.people.allows(person, "profile_photo", me) else []
    numbers = [each for each in every if not request.max_id or each < request.max_id]
    page = numbers[max(request.offset, 0) :][: max(0, min(request.limit, PAGE))]
    photos = [photo(desk.world, each) for each in page]
    users = desk.view.users(me, {me.id, person.id})
    if len(page) == len(every):
        return types.photos.Photos(photos, users)
    return types.photos.PhotosSlice(len(every), photos, users)


async def edit_chat_photo(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    return _edit(desk, caller, me, desk.group(me, request.chat_id), request.photo)


async def edit_photo(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    return _edit(desk, caller, me, desk.chat(me, request.channel), request.photo)


def _edit(desk: Desk, caller: Caller, me: Person, chat: Chat, named: Any) -> Any:
    chat_founding.require_info(desk.world, me, chat)
    if isinstance(named, types.InputChatUploadedPhoto) and named.file is not None:
        number = new_photo(desk, me, named.file, square=SMALLEST_SIDE).id
    elif isinstance(named, types.InputChatPhoto) and isinstance(named.id, types.InputPhoto):
        number = desk.world.files.named("photo", named.id, "PHOTO_INVALID").id
    elif isinstance(named, types.InputChatPhotoEmpty):
        number = 0
    else:
        raise RpcError(400, "PHOTO_INVALID")
    with gathering(desk, caller, me) as told:
        chat_founding.edit_photo(desk.world, me, chat, number, told.origin)
    return told.updates(chat.id)
