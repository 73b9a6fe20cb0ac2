"""The methods of files and of what is sent beside a text, for the table of methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from telethon.tl import functions as f

from teleflow.sandbox.rpc import photos, sending_media, uploading
from teleflow.sandbox.rpc.base import Caller, TLRequest
from teleflow.sandbox.rpc.desk import Desk

Method: TypeAlias = Callable[[Desk, Caller, TLRequest], Awaitable[Any]]

CLOSED: Mapping[Any, Method] = {
    f.upload.SaveFilePartRequest: uploading.save_file_part,
    f.upload.SaveBigFilePartRequest: uploading.save_big_file_part,
    f.upload.GetFileRequest: uploading.get_file,
    f.upload.GetFileHashesRequest: uploading.get_file_hashes,
    f.messages.SendMediaRequest: sending_media.send_media,
    f.messages.SendMultiMediaRequest: sending_media.send_multi_media,
    f.messages.UploadMediaRequest: sending_media.upload_media,
    f.messages.EditChatPhotoRequest: photos.edit_chat_photo,
    f.channels.EditPhotoRequest: photos.edit_photo,
    f.photos.UploadProfilePhotoRequest: photos.upload_profile_photo,
    f.photos.UpdateProfilePhotoRequest: photos.update_profile_photo,
    f.photos.DeletePhotosRequest: photos.delete_photos,
    f.photos.GetUserPhotosRequest: photos.get_user_photos,
}
