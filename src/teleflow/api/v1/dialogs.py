"""How chats stand in the account's own list: archived, pinned, muted; drafts, history, folders."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.chat_shapes import ChatShape, FolderShape, chat, told_folder
from teleflow.api.v1.dialog_shapes import DialogBody, DraftBody, DraftShape, FolderBody, FolderOrderBody, draft
from teleflow.api.v1.envelope import plain
from teleflow.api.v1.group_shapes import THROUGH, ChatPath, DoneShape, SessionPath
from teleflow.api.v1.operation import operation
from teleflow.model.peers import parse_ref

router = APIRouter(prefix="/api/v1/sessions/{session_id}", tags=["chats"])
FolderPath = Annotated[int, digits, Path(ge=2, le=255)]


@router.patch(
    "/chats/{chat_id}/dialog",
    summary="Archive, pin, mute a chat, or mark it unread",
    **operation("dialogs.change", scope="write", data=ChatShape, errors=THROUGH, body=DialogBody),
)
async def change(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Writer,
    services: Uses,
    body: Annotated[DialogBody, Depends(json_body(DialogBody))],
) -> Response:
    """For this account only. Where one thing is refused, the error's details say what is `applied` already."""
    found = await services.dialogs.change(login.principal, session_id, parse_ref(chat_id), body.changes())
    return plain(chat(found, partial(services.file_ids.token, session_id)))


@router.get(
    "/drafts",
    summary="What was begun to be written, newest first",
    **operation("drafts.list", scope="read", data=list[DraftShape], errors=THROUGH),
)
async def drafts(session_id: SessionPath, login: Reader, services: Uses) -> Response:
    """All of them: one for each chat, and one for each topic, at most."""
    return plain([draft(one) for one in await services.dialogs.drafts(login.principal, session_id)])


@router.get(
    "/chats/{chat_id}/draft",
    summary="What was begun to be written in a chat",
    **operation("drafts.get", scope="read", data=DraftShape, errors=THROUGH),
)
async def get_draft(session_id: SessionPath, chat_id: ChatPath, login: Reader, services: Uses) -> Response:
    return plain(draft(await services.dialogs.draft(login.principal, session_id, parse_ref(chat_id))))


@router.put(
    "/chats/{chat_id}/draft",
    summary="Begin to write something",
    **operation("drafts.save", scope="write", data=DoneShape, errors=THROUGH, body=DraftBody),
)
async def save_draft(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Writer,
    services: Uses,
    body: Annotated[DraftBody, Depends(json_body(DraftBody))],
) -> Response:
    """It is seen on all devices of the account, and nothing is sent."""
    done = await services.dialogs.save_draft(
        login.principal,
        session_id,
        parse_ref(chat_id),
        body.text,
        parse_mode=body.parse_mode,
        entities=body.marks(),
        reply_to=body.reply_to_msg_id,
        link_preview=body.link_preview,
    )
    return plain({"changed": done.changed})


@router.delete(
    "/chats/{chat_id}/draft",
    summary="Take back what was begun",
    **operation("drafts.delete", scope="write", data=DoneShape, errors=THROUGH),
)
async def drop_draft(session_id: SessionPath, chat_id: ChatPath, login: Writer, services: Uses) -> Response:
    """There being none is no error."""
    done = await services.dialogs.drop_draft(login.principal, session_id, parse_ref(chat_id))
    return plain({"changed": done.changed})


@router.delete(
    "/chats/{chat_id}/history",
    summary="Delete what was said in a chat",
    **operation("chats.deleteHistory", scope="write", data=DoneShape, errors=THROUGH),
)
async def delete_history(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Writer,
    services: Uses,
    for_everyone: Annotated[
        bool, Query(alias="forEveryone", description="Not only for this account; in a channel only its admins may.")
    ] = False,
    up_to: Annotated[int, digits, Query(alias="upTo", ge=0, le=2**31 - 1, description="0: all of it.")] = 0,
) -> Response:
    """There is no way back. The chat stays in the list."""
    done = await services.dialogs.delete_history(
        login.principal, session_id, parse_ref(chat_id), for_everyone=for_everyone, up_to=up_to
    )
    return plain({"changed": done.changed})


@router.post(
    "/folders",
    summary="Make a folder",
    **operation("folders.create", scope="write", data=FolderShape, status=201, errors=THROUGH, body=FolderBody),
)
async def create_folder(
    session_id: SessionPath,
    login: Writer,
    services: Uses,
    body: Annotated[FolderBody, Depends(json_body(FolderBody))],
) -> Response:
    """`GET /api/v1/chats/folders` lists them."""
    made = await services.dialogs.create_folder(login.principal, session_id, body.folder())
    return plain(told_folder(made), 201)


@router.put(
    "/folder-order",
    summary="Put the folders in another order",
    **operation("folders.order", scope="write", data=list[FolderShape], errors=THROUGH, body=FolderOrderBody),
)
async def order_folders(
    session_id: SessionPath,
    login: Writer,
    services: Uses,
    body: Annotated[FolderOrderBody, Depends(json_body(FolderOrderBody))],
) -> Response:
    found = await services.dialogs.order_folders(login.principal, session_id, body.folder_ids)
    return plain([told_folder(one) for one in found])


@router.put(
    "/folders/{folder_id}",
    summary="Change a folder",
    **operation("folders.save", scope="write", data=FolderShape, errors=THROUGH, body=FolderBody),
)
async def save_folder(
    session_id: SessionPath,
    folder_id: FolderPath,
    login: Writer,
    services: Uses,
    body: Annotated[FolderBody, Depends(json_body(FolderBody))],
) -> Response:
    """In place of what it was."""
    saved = await services.dialogs.save_folder(login.principal, session_id, folder_id, body.folder())
    return plain(told_folder(saved))


@router.delete(
    "/folders/{folder_id}",
    summary="Delete a folder",
    **operation("folders.delete", scope="write", data=DoneShape, errors=THROUGH),
)
async def drop_folder(session_id: SessionPath, folder_id: FolderPath, login: Writer, services: Uses) -> Response:
    """The chats in it stay."""
    done = await services.dialogs.drop_folder(login.principal, session_id, folder_id)
    return plain({"changed": done.changed})
