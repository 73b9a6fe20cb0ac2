"""RPC errors become ours, here and nowhere else.

The one table. An error that is not in it is told by its name and changes nothing: Telegram's numeric classes
are no guide (SESSION_PASSWORD_NEEDED is a 401, and unknown 406s do not end a login).
https://core.telegram.org/api/errors
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import structlog

from teleflow.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Limited,
    NotFound,
    TeleFlowError,
    Unavailable,
    Uncertain,
    Upstream,
)
from teleflow.model.sessions import SessionState
from teleflow.telegram.mtproto.requests import RpcFault, Unreadable

_log = structlog.get_logger(__name__)

_NUMBER = re.compile(r"_(\d+)(?=_|$)")

# After one of these the login is over, for good.
_ENDED = {
    "AUTH_KEY_UNREGISTERED": SessionState.LOGGED_OUT,
    "AUTH_KEY_INVALID": SessionState.LOGGED_OUT,
    "SESSION_REVOKED": SessionState.LOGGED_OUT,
    "SESSION_EXPIRED": SessionState.LOGGED_OUT,
    "AUTH_KEY_DUPLICATED": SessionState.LOGGED_OUT,
    "USER_DEACTIVATED": SessionState.BANNED,
    "USER_DEACTIVATED_BAN": SessionState.BANNED,
    "PHONE_NUMBER_BANNED": SessionState.BANNED,
}
_WAITS = frozenset({"FLOOD_WAIT", "FLOOD_PREMIUM_WAIT", "SLOWMODE_WAIT", "FLOOD_TEST_PHONE_WAIT"})
_IMPAIRED = {
    "PEER_FLOOD": SessionState.RESTRICTED,
    "FROZEN_METHOD_INVALID": SessionState.FROZEN,
    "FROZEN_PARTICIPANT_MISSING": SessionState.FROZEN,
}
# The data centre does not know (any more) what speaks to it: https://core.telegram.org/api/invoking
_UNKNOWN_CLIENT = frozenset({"CONNECTION_NOT_INITED", "CONNECTION_LAYER_INVALID"})
_NOT_BEGUN = _UNKNOWN_CLIENT | {"AUTH_RESTART", "NEED_DOC_INVALID", "WORKER_BUSY_TOO_LONG_RETRY"}
_PASSING = _NOT_BEGUN | {"RPC_CALL_FAIL", "RPC_MCGET_FAIL", "TIMEOUT"}


# Answers that come as a 500, and are no trouble of the server's.
_FINAL = frozenset(
    {
        "RANDOM_ID_DUPLICATE",
        "CHAT_INVALID",
        "NEED_CHAT_INVALID",
        "NEED_MEMBER_INVALID",
        "SEND_MEDIA_INVALID",
        "CALL_OCCUPY_FAILED",
        "MSG_WAIT_FAILED",
        "UNKNOWN_METHOD",
    }
)


@dataclass(frozen=True, slots=True)
class _Row:
    kind: type[TeleFlowError]
    code: str
    message: str


_FORBIDDEN = "Telegram forbids it: {name}"
_TABLE: dict[str, _Row] = {
    "PEER_FLOOD": _Row(Forbidden, "TELEGRAM_RESTRICTED", "Telegram restricts this account from writing to strangers"),
    "FROZEN_METHOD_INVALID": _Row(Forbidden, "ACCOUNT_FROZEN", "Telegram has frozen this account"),
    "FROZEN_PARTICIPANT_MISSING": _Row(Forbidden, "ACCOUNT_FROZEN", "Telegram has frozen this account"),
    "SESSION_PASSWORD_NEEDED": _Row(Invalid, "PASSWORD_NEEDED", "The account has a cloud password (2FA): send it too"),
    "PHONE_CODE_INVALID": _Row(Invalid, "PHONE_CODE_INVALID", "The code is wrong"),
    "PHONE_CODE_EMPTY": _Row(Invalid, "PHONE_CODE_INVALID", "The code is empty"),
    "PHONE_CODE_EXPIRED": _Row(
        Invalid,
        "PHONE_CODE_EXPIRED",
        "The code has expired (a code sent on through Telegram expires too): ask for a new one",
    ),
    "PASSWORD_HASH_INVALID": _Row(Invalid, "PASSWORD_INVALID", "The cloud password is wrong"),
    "PHONE_NUMBER_INVALID": _Row(Invalid, "PHONE_NUMBER_INVALID", "Telegram says that there is no such number"),
    "PHONE_NUMBER_UNOCCUPIED": _Row(Invalid, "PHONE_NOT_REGISTERED", "The number is not on Telegram"),
    "PHONE_NUMBER_FLOOD": _Row(Limited, "LOGIN_FLOOD", "Too many codes were asked for this number: wait"),
    "PHONE_PASSWORD_FLOOD": _Row(Limited, "LOGIN_FLOOD", "Too many passwords were tried: wait"),
    "SEND_CODE_UNAVAILABLE": _Row(Limited, "LOGIN_FLOOD", "Telegram has no other way to send a code now"),
    "API_ID_INVALID": _Row(Invalid, "API_CREDENTIALS_INVALID", "Telegram does not take this api_id and api_hash"),
    "API_ID_PUBLISHED_FLOOD": _Row(Invalid, "API_CREDENTIALS_INVALID", "This api_id is public and can't log in"),
    "PEER_ID_INVALID": _Row(NotFound, "PEER_NOT_FOUND", "Telegram does not know this peer"),
    "USER_ID_INVALID": _Row(NotFound, "PEER_NOT_FOUND", "Telegram does not know this user"),
    "CHANNEL_PRIVATE": _Row(NotFound, "PEER_NOT_FOUND", "The channel is private, or this account was banned from it"),
    "CHANNEL_INVALID": _Row(NotFound, "PEER_NOT_FOUND", "Telegram does not know this channel"),
    "PHONE_NOT_OCCUPIED": _Row(NotFound, "PEER_NOT_FOUND", "The number is not on Telegram, or hides that it is"),
    "USERNAME_NOT_OCCUPIED": _Row(NotFound, "PEER_NOT_FOUND", "Nobody has this username"),
    "USERNAME_INVALID": _Row(NotFound, "PEER_NOT_FOUND", "This can't be a username"),
    **{
        name: _Row(NotFound, "FILE_NOT_FOUND", "Telegram does not have this file, or not any more")
        for name in ("FILE_ID_INVALID", "LOCATION_INVALID", "DOCUMENT_INVALID", "PHOTO_INVALID", "PHOTO_ID_INVALID")
    },
    "MESSAGE_TOO_LONG": _Row(Invalid, "MESSAGE_TOO_LONG", "The text is too long for Telegram"),
    **{
        name: _Row(Conflict, "UPLOAD_LOST", "Telegram does not have all of the upload, or not any more")
        for name in (
            "FILE_PARTS_INVALID",
            "FILE_PART_MISSING",
            "FILE_PART_INVALID",
            "FILE_PART_SIZE_CHANGED",
            "MD5_CHECKSUM_INVALID",
        )
    },
    **{
        name: _Row(Invalid, "MEDIA_INVALID", "Telegram refuses it: {name}")
        for name in (
            "EMOTICON_INVALID",
            "GROUPED_MEDIA_INVALID",
            "SEND_MEDIA_INVALID",
            "TTL_MEDIA_INVALID",
            "LOCATION_UNAVAILABLE",
        )
    },
    "RANDOM_ID_DUPLICATE": _Row(Conflict, "ALREADY_DONE", "Telegram had this random_id before, and takes it once"),
    "MESSAGE_EMPTY": _Row(Invalid, "MESSAGE_EMPTY", "Telegram sees no text in the message"),
    **{
        name: _Row(NotFound, "PEER_NOT_FOUND", "Telegram does not know this group")
        for name in ("CHAT_ID_INVALID", "CHAT_INVALID", "NEED_CHAT_INVALID")
    },
    "INPUT_USER_DEACTIVATED": _Row(Forbidden, "INPUT_USER_DEACTIVATED", "The person has deleted their account"),
    **{
        name: _Row(NotFound, "MESSAGE_NOT_FOUND", "There is no such message in this chat")
        for name in ("MESSAGE_ID_INVALID", "MSG_ID_INVALID", "REPLY_MESSAGE_ID_INVALID", "REPLY_TO_INVALID")
    },
    **{
        name: _Row(NotFound, "INVITE_NOT_FOUND", "The invite link is not valid, or not any more")
        for name in ("INVITE_HASH_EMPTY", "INVITE_HASH_EXPIRED", "INVITE_HASH_INVALID")
    },
    "HASH_INVALID": _Row(NotFound, "AUTHORIZATION_NOT_FOUND", "The account has no such login, or not any more"),
    "FRESH_RESET_AUTHORISATION_FORBIDDEN": _Row(
        Forbidden, "LOGIN_TOO_NEW", "Telegram lets a login end others only after it is a day old"
    ),
    **{
        name: _Row(Invalid, "NAME_INVALID", "Telegram does not take this name")
        for name in ("FIRSTNAME_INVALID", "LASTNAME_INVALID", "CONTACT_NAME_EMPTY")
    },
    "ABOUT_TOO_LONG": _Row(Invalid, "ABOUT_TOO_LONG", "What is said of oneself is too long for this account"),
    "CONTACT_ID_INVALID": _Row(NotFound, "PEER_NOT_FOUND", "Telegram does not know this person"),
    "CONTACT_MISSING": _Row(NotFound, "PEER_NOT_FOUND", "This person is no contact"),
    **{
        name: _Row(NotFound, "PEER_NOT_FOUND", "Telegram does not know this person here")
        for name in (
            "PARTICIPANT_ID_INVALID",
            "INPUT_USER_INVALID",
            "USER_INVALID",
            "CHAT_NOT_FOUND",
            "NEED_MEMBER_INVALID",
        )
    },
    **{
        name: _Row(NotFound, "TOPIC_NOT_FOUND", "There is no such topic in this chat")
        for name in ("TOPIC_ID_INVALID", "TOPIC_DELETED", "TOPICS_EMPTY")
    },
    "CHANNEL_FORUM_MISSING": _Row(Conflict, "NOT_A_FORUM", "The chat has no topics"),
    "HIDE_REQUESTER_MISSING": _Row(NotFound, "JOIN_REQUEST_NOT_FOUND", "This person does not wait to be let in"),
    "INVITE_REVOKED_MISSING": _Row(Conflict, "INVITE_NOT_REVOKED", "Revoke the link before it is deleted"),
    "CHAT_INVITE_PERMANENT": _Row(Conflict, "INVITE_PERMANENT", "The permanent link has no limits and no requests"),
    "FILTER_ID_INVALID": _Row(NotFound, "FOLDER_NOT_FOUND", "The account has no such folder"),
    "FILTER_NOT_SUPPORTED": _Row(NotFound, "FOLDER_NOT_FOUND", "This folder is not for changing"),
    "FILTER_INCLUDE_EMPTY": _Row(Invalid, "FOLDER_EMPTY", "Say which chats are in the folder"),
    "FILTER_TITLE_EMPTY": _Row(Invalid, "FOLDER_INVALID", "The folder needs a title"),
    **{
        name: _Row(Conflict, "FOLDERS_TOO_MUCH", "The account has as many folders as it may")
        for name in ("FILTERS_TOO_MUCH", "DIALOG_FILTERS_TOO_MUCH")
    },
    "FILTER_INCLUDE_TOO_MUCH": _Row(Conflict, "FOLDERS_TOO_MUCH", "The folder has as many chats as it may"),
    "USERNAME_OCCUPIED": _Row(Conflict, "USERNAME_OCCUPIED", "The username is taken"),
    "USERNAME_PURCHASE_AVAILABLE": _Row(Conflict, "USERNAME_OCCUPIED", "The username is for sale on Fragment"),
    "CHANNELS_ADMIN_PUBLIC_TOO_MUCH": _Row(
        Conflict, "PUBLIC_CHATS_TOO_MUCH", "The account owns as many public chats as it may"
    ),
    "USER_NOT_PARTICIPANT": _Row(Conflict, "USER_NOT_PARTICIPANT", "Who is meant is not in the chat"),
    "USER_ALREADY_PARTICIPANT": _Row(Conflict, "USER_ALREADY_PARTICIPANT", "The person is in the chat already"),
    "USER_CHANNELS_TOO_MUCH": _Row(Conflict, "USER_CHANNELS_TOO_MUCH", "The person is in as many chats as they may"),
    "ADMINS_TOO_MUCH": _Row(Conflict, "ADMINS_TOO_MUCH", "The chat has as many admins as it may"),
    "BOTS_TOO_MUCH": _Row(Conflict, "USERS_TOO_MUCH", "The chat has as many bots as it may"),
    "INVITES_TOO_MUCH": _Row(Conflict, "INVITES_TOO_MUCH", "The chat has as many invite links as it may"),
    "PINNED_DIALOGS_TOO_MUCH": _Row(Conflict, "PINNED_TOO_MUCH", "As many chats are pinned as may be"),
    "PINNED_TOO_MUCH": _Row(Conflict, "PINNED_TOO_MUCH", "As many are pinned as may be"),
    "CHAT_LINK_EXISTS": _Row(Conflict, "CHAT_LINK_EXISTS", "The chat has a link: that forbids it"),
    "MEGAGROUP_PREHISTORY_HIDDEN": _Row(
        Conflict, "HISTORY_HIDDEN", "Newcomers of the group don't see its history: change that first"
    ),
    "CHANNEL_TOO_LARGE": _Row(Conflict, "CHAT_TOO_LARGE", "The chat is too large to be deleted"),
    "PASSWORD_MISSING": _Row(Conflict, "CLOUD_PASSWORD_NEEDED", "The account needs a cloud password (2FA) for this"),
    **{
        name: _Row(Limited, name, "Telegram wants the cloud password or the login to be older for this: {name}")
        for name in ("PASSWORD_TOO_FRESH", "SESSION_TOO_FRESH")
    },
    "USERS_TOO_FEW": _Row(Invalid, "USERS_TOO_FEW", "A group needs somebody to begin with"),
    "CHAT_TITLE_EMPTY": _Row(Invalid, "CHAT_TITLE_INVALID", "The title is empty"),
    "CHAT_ABOUT_TOO_LONG": _Row(Invalid, "CHAT_ABOUT_TOO_LONG", "The description is too long for Telegram"),
    "TOPIC_TITLE_EMPTY": _Row(Invalid, "TOPIC_TITLE_INVALID", "The topic's title is empty"),
    "EXPIRE_DATE_INVALID": _Row(Invalid, "EXPIRES_INVALID", "Telegram does not take this date"),
    "CHAT_INVITE_EXPIRE_DATE_INVALID": _Row(Invalid, "EXPIRES_INVALID", "Telegram does not take this date"),
    "UNTIL_DATE_INVALID": _Row(Invalid, "UNTIL_INVALID", "Telegram does not take this date"),
    "USAGE_LIMIT_INVALID": _Row(Invalid, "USAGE_LIMIT_INVALID", "Telegram does not take this limit of uses"),
    "SECONDS_INVALID": _Row(Invalid, "SECONDS_INVALID", "Slow mode is one of 0, 5, 10, 30, 60, 300, 900, 3600 seconds"),
    "ADMIN_RANK_INVALID": _Row(Invalid, "ADMIN_TITLE_INVALID", "An admin's title has at most 16 characters, no emoji"),
    "ADMIN_RANK_EMOJI_NOT_ALLOWED": _Row(Invalid, "ADMIN_TITLE_INVALID", "An admin's title has no emoji"),
    "ADMIN_RIGHTS_EMPTY": _Row(Invalid, "RIGHTS_INVALID", "Name the rights that the admin has"),
    "BANNED_RIGHTS_INVALID": _Row(Invalid, "RIGHTS_INVALID", "Telegram does not take these rights together"),
    **{
        name: _Row(Invalid, "DISCUSSION_INVALID", "The discussion of a channel is in a supergroup of the same account")
        for name in ("BROADCAST_ID_INVALID", "MEGAGROUP_ID_INVALID", "MEGAGROUP_REQUIRED", "CHAT_DISCUSSION_UNALLOWED")
    },
    **{
        name: _Row(Invalid, "PHOTO_INVALID", "Telegram does not take this picture: {name}")
        for name in (
            "PHOTO_CROP_SIZE_SMALL",
            "PHOTO_EXT_INVALID",
            "PHOTO_FILE_MISSING",
            "IMAGE_PROCESS_FAILED",
            "PHOTO_INVALID_DIMENSIONS",
            "PHOTO_SAVE_FILE_INVALID",
        )
    },
    "CHANNELS_TOO_MUCH": _Row(Conflict, "CHANNELS_TOO_MUCH", "This account is in as many chats as it may"),
    "USERS_TOO_MUCH": _Row(Conflict, "USERS_TOO_MUCH", "The chat is full"),
    "USER_CREATOR": _Row(Conflict, "USER_CREATOR", "The creator can't leave: hand the chat over, or delete it"),
    "MESSAGE_EDIT_TIME_EXPIRED": _Row(Conflict, "MESSAGE_EDIT_TIME_EXPIRED", "It is too old to be edited"),
    "SCHEDULE_DATE_TOO_LATE": _Row(Invalid, "SCHEDULE_INVALID", "The date is too far away for Telegram"),
    "SCHEDULE_DATE_INVALID": _Row(Invalid, "SCHEDULE_INVALID", "Telegram does not take this date"),
    "REACTION_INVALID": _Row(Invalid, "REACTION_INVALID", "Telegram, or this chat, does not take this reaction"),
    "REACTION_EMPTY": _Row(Invalid, "REACTION_INVALID", "There is no reaction to take back"),
    "REACTIONS_TOO_MANY": _Row(Invalid, "REACTION_INVALID", "The message has as many kinds of reactions as it may"),
    "SEARCH_QUERY_EMPTY": _Row(Invalid, "VALIDATION_ERROR", "There is nothing to search for"),
    **{
        name: _Row(Forbidden, name, _FORBIDDEN)
        for name in (
            *("MESSAGE_AUTHOR_REQUIRED", "MESSAGE_DELETE_FORBIDDEN", "CHAT_FORBIDDEN", "CHAT_GUEST_SEND_FORBIDDEN"),
            *("USER_KICKED", "PREMIUM_ACCOUNT_REQUIRED", "CHAT_WRITE_FORBIDDEN", "CHAT_ADMIN_REQUIRED"),
            "USER_BANNED_IN_CHANNEL",
            "USER_PRIVACY_RESTRICTED",
            "USER_IS_BLOCKED",
            "YOU_BLOCKED_USER",
            "VOICE_MESSAGES_FORBIDDEN",
            *(
                f"CHAT_SEND_{what}_FORBIDDEN"
                for what in (
                    *("PLAIN", "MEDIA", "PHOTOS", "VIDEOS", "ROUNDVIDEOS", "VOICES", "AUDIOS", "DOCS", "STICKERS"),
                    *("GIFS", "GAME", "INLINE", "POLL", "WEBPAGE"),
                )
            ),
            "RIGHT_FORBIDDEN",
            "USER_ADMIN_INVALID",
            "USER_NOT_MUTUAL_CONTACT",
            "CHAT_ADMIN_INVITE_REQUIRED",
            "CHANNEL_PUBLIC_GROUP_NA",
            "BOT_GROUPS_BLOCKED",
            "USER_BLOCKED",
            "USER_BOT",
            "TOPIC_CLOSED",
            "TOPIC_CLOSE_SEPARATELY",
            "TOPIC_HIDE_SEPARATELY",
            "GENERAL_MODIFY_ICON_FORBIDDEN",
        )
    },
}
_FAMILIES = (
    ("MEDIA_", Invalid, "MEDIA_INVALID"),
    ("MULTI_MEDIA_", Invalid, "MEDIA_INVALID"),
    ("IMAGE_", Invalid, "MEDIA_INVALID"),
    ("PHOTO_", Invalid, "MEDIA_INVALID"),
    ("PRIVACY_", Invalid, "PRIVACY_INVALID"),
    ("VIDEO_", Invalid, "MEDIA_INVALID"),
    ("POLL_", Invalid, "POLL_INVALID"),
    ("QUIZ_", Invalid, "POLL_INVALID"),
    ("ENTITY_", Invalid, "ENTITY_INVALID"),
    ("ENTITIES_", Invalid, "ENTITY_INVALID"),
    ("FILE_REFERENCE_", Conflict, "FILE_REFERENCE_EXPIRED"),
)


def name_of(fault: RpcFault) -> str:
    """The error's name without its number: FLOOD_WAIT_3 is FLOOD_WAIT."""
    return _NUMBER.sub("", fault.message).strip("_ ").upper()


def number_of(fault: RpcFault) -> int | None:
    found = _NUMBER.search(fault.message)
    return int(found.group(1)) if found else None


def wait_of(fault: RpcFault) -> int | None:
    """The seconds that Telegram asks to wait, if it does. (FROZEN_METHOD_INVALID is a 420 and no wait.)"""
    if name_of(fault) in _WAITS or (fault.code == 420 and number_of(fault) is not None):
        return max(1, number_of(fault) or 1)
    return None


def ends_login(fault: RpcFault) -> SessionState | None:
    """The state in which this error leaves the session for good, if it does."""
    return _ENDED.get(name_of(fault))


def impairs(fault: RpcFault) -> SessionState | None:
    """A state that does not end the login but limits what it may do."""
    return _IMPAIRED.get(name_of(fault))


def is_passing(fault: RpcFault) -> bool:
    """Whether the same request may well succeed a moment later: the server's own trouble."""
    name = name_of(fault)
    if name in _FINAL:
        return False
    return name in _PASSING or fault.code in {500, -503, 503} or fault.code == -500


def may_have_acted(fault: RpcFault) -> bool:
    """Whether the server's trouble may have come after it did what was asked ("while a request was processed")."""
    return is_passing(fault) and name_of(fault) not in _NOT_BEGUN


def wants_introduction(fault: RpcFault) -> bool:
    """Whether the data centre has to be told again who speaks to it."""
    return name_of(fault) in _UNKNOWN_CLIENT


def is_repeat(fault: RpcFault) -> bool:
    """Telegram has seen this random_id: the message is out (messages.sendMessage)."""
    return name_of(fault) == "RANDOM_ID_DUPLICATE"


def migrates_to(fault: RpcFault) -> int | None:
    """The data centre where the request belongs (303: PHONE_, USER_, NETWORK_, FILE_, STATS_MIGRATE_X)."""
    return number_of(fault) if name_of(fault).endswith("_MIGRATE") else None


def translate(fault: RpcFault) -> TeleFlowError:
    """Our error for an RPC error. The original belongs on as the cause."""
    name, number = name_of(fault), number_of(fault)
    details = {"telegramError": fault.message[:100]}
    if name in _WAITS:
        seconds = number or 1
        code = "SLOW_MODE" if name == "SLOWMODE_WAIT" else "TELEGRAM_FLOOD_WAIT"
        return Limited(f"Telegram asks to wait {seconds} seconds", code=code, retry_after=seconds, details=details)
    ended = _ENDED.get(name)
    if ended is SessionState.LOGGED_OUT:
        message = "Telegram has ended this login: log in again"
        return Conflict(message, code="SESSION_LOGGED_OUT", details=details)
    if ended is SessionState.BANNED:
        return Forbidden("Telegram has banned or deleted this account", code="ACCOUNT_BANNED", details=details)
    row = _TABLE.get(name)
    if row is not None:
        return row.kind(row.message.format(name=name), code=row.code, details=details)
    for prefix, kind, code in _FAMILIES:
        if name.startswith(prefix):
            return kind(f"Telegram refuses it: {name}", code=code, details=details)
    if fault.code == 420 and number is not None:
        message = f"Telegram asks to wait {number} seconds: {name}"
        return Limited(message, code="TELEGRAM_FLOOD_WAIT", retry_after=number, details=details)
    if is_passing(fault):
        return Unavailable("Telegram has trouble of its own: try again", code="TELEGRAM_UNAVAILABLE", details=details)
    return Upstream(f"Telegram answers {fault.message[:100]}", details=details)


def of_call(error: Exception, operation: str) -> TeleFlowError:
    """What is told of whatever else ended an operation that was under way."""
    if isinstance(error, RpcFault):
        told = translate(error)
        told.may_have_left = error.after_lost_try
        return told
    if not isinstance(error, Unreadable):  # it was read, and is of a form that the operation does not know
        _log.error("call.answer_not_understood", operation=operation, exc_info=error)
    return unreadable()


def held(seconds: int) -> Limited:
    """Telegram wants nothing of this account for so long."""
    return Limited(
        f"Telegram asks to wait: {seconds} seconds are left",
        code="TELEGRAM_FLOOD_WAIT",
        retry_after=seconds,
        details={"held": True, "scope": "account"},
    )


def unreadable() -> TeleFlowError:
    """An answer came, so that it has most likely been done."""
    return Uncertain("Telegram's answer could not be read", code="TELEGRAM_ANSWER_UNREADABLE")
