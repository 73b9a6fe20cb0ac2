"""Of groups and channels, and who is in them."""

from __future__ import annotations

from typing import Any

CHAT_ID = "-1002100000001"
MEMBER_ID = "6100000002"
_CHAT = {
    "id": CHAT_ID,
    "title": "Second Hall",
    "type": "supergroup",
    "username": "second_hall",
    "membersCount": 2,
    "about": "What is shown in it",
    "isCreator": True,
    "slowModeSeconds": 30,
}
_MISSING = [{"id": "6100000003", "reason": "USER_PRIVACY_RESTRICTED"}]
_DONE = {"changed": True}
_UNTIL = 1767409445

HASH = "AbCdEfGhIjKlMnOp"
_INVITE = {
    "hash": HASH,
    "link": f"https://t.me/+{HASH}",
    "adminId": "6100000001",
    "createdAt": 1767322982,
    "title": "Newsletter",
    "expiresAt": _UNTIL,
    "usageLimit": 50,
    "usage": 2,
    "requested": 0,
}
_PERSON = {"id": MEMBER_ID, "firstName": "Bob", "username": "bob"}
_COMER = {"person": _PERSON, "at": 1767323045}
_TOPIC = {
    "id": 7,
    "title": "Deliveries",
    "createdAt": 1767322982,
    "byId": "6100000001",
    "iconColor": 7322096,
    "lastMessageId": 12,
    "unreadCount": 0,
    "isMine": True,
}
_FOLDER = {
    "id": 2,
    "type": "custom",
    "title": "Work",
    "kinds": ["groups"],
    "without": ["muted"],
    "pinnedChatIds": [CHAT_ID],
    "includedChatIds": [],
    "excludedChatIds": [],
}
_NEW_FOLDER = {"title": "Work", "kinds": ["groups"], "without": ["muted"], "pinnedChatIds": [CHAT_ID]}
_DRAFT = {"chatId": MEMBER_ID, "text": "Dear Bob,", "date": 1767323045}

REQUESTS: dict[str, Any] = {
    "chats.create": {"type": "supergroup", "title": "Second Hall", "memberIds": ["@bob", "@eve"]},
    "chats.change": {"about": "What is shown in it", "slowModeSeconds": 30, "permissions": {"sendPolls": False}},
    "chats.setPhoto": {"fileId": "AQ" + "k3Zb" * 30},
    "members.add": {"memberIds": ["@bob", "@eve"]},
    "admins.set": {"rights": {"banUsers": True, "pinMessages": True}, "title": "warden"},
    "restrictions.set": {"permissions": {"sendMessages": False}, "until": _UNTIL},
    "bans.set": {"until": _UNTIL},
    "invites.create": {"title": "Newsletter", "expiresAt": _UNTIL, "usageLimit": 50},
    "invites.edit": {"usageLimit": 100},
    "topics.create": {"title": "Deliveries", "iconColor": 7322096},
    "topics.change": {"isClosed": True},
    "dialogs.change": {"isArchived": True, "muteUntil": 2147483647},
    "drafts.save": {"text": "Dear Bob,"},
    "folders.create": _NEW_FOLDER,
    "folders.save": _NEW_FOLDER,
    "folders.order": {"folderIds": [0, 3, 2]},
}
ANSWERS: dict[str, Any] = {
    "chats.create": {"chat": _CHAT, "missing": _MISSING},
    "chats.change": _CHAT,
    "chats.upgrade": _CHAT,
    "chats.delete": _DONE,
    "chats.setPhoto": _CHAT,
    "chats.deletePhoto": _DONE,
    "members.add": {"added": [MEMBER_ID], "missing": _MISSING},
    "members.get": {
        "id": MEMBER_ID,
        "firstName": "Bob",
        "username": "bob",
        "role": "restricted",
        "until": _UNTIL,
        "permissions": {"sendMessages": False, "sendMedia": True},
    },
    "members.remove": _DONE,
    "admins.set": _DONE,
    "admins.remove": _DONE,
    "restrictions.set": _DONE,
    "restrictions.remove": _DONE,
    "bans.set": _DONE,
    "bans.remove": {"changed": False},
    "invites.create": _INVITE,
    "invites.list": [_INVITE],
    "invites.get": _INVITE,
    "invites.edit": {**_INVITE, "usageLimit": 100},
    "invites.revoke": {"invite": {**_INVITE, "isRevoked": True}},
    "invites.delete": _DONE,
    "invites.joined": [_COMER],
    "joinrequests.list": [_COMER],
    "joinrequests.approve": _DONE,
    "joinrequests.decline": _DONE,
    "joinrequests.approveAll": _DONE,
    "joinrequests.declineAll": _DONE,
    "topics.list": [_TOPIC],
    "topics.create": _TOPIC,
    "topics.get": _TOPIC,
    "topics.change": {**_TOPIC, "isClosed": True},
    "topics.delete": _DONE,
    "dialogs.change": {**_CHAT, "isArchived": True, "folderId": 1, "isMuted": True},
    "drafts.list": [_DRAFT],
    "drafts.get": _DRAFT,
    "drafts.save": _DONE,
    "drafts.delete": _DONE,
    "chats.deleteHistory": _DONE,
    "folders.create": _FOLDER,
    "folders.save": _FOLDER,
    "folders.order": [_FOLDER],
    "folders.delete": _DONE,
}
