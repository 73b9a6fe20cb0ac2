"""Who may see what of an account, and do what to it: the rules of `account.setPrivacy` and what they come to.

An exception for a person wins over one for a chat, that over contacts, and those over everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.settings import PrivacyRule

Key = Literal[
    "status_timestamp",
    "chat_invite",
    "phone_call",
    "phone_p2p",
    "forwards",
    "profile_photo",
    "phone_number",
    "added_by_phone",
    "voice_messages",
    "about",
    "birthday",
    "star_gifts_auto_save",
    "no_paid_messages",
    "saved_music",
]
InChat = Callable[[int, int], bool]
EVERYBODY, CONTACTS, NOBODY = "allow_all", "allow_contacts", "disallow_all"
_UNSET: dict[str, str] = {"phone_p2p": CONTACTS, "birthday": CONTACTS, "no_paid_messages": NOBODY}
_PHONE = {"everybody": EVERYBODY, "contacts": CONTACTS, "nobody": NOBODY}
# what somebody who is blocked sees nothing of, whatever the rules say
_HIDDEN: frozenset[str] = frozenset(("status_timestamp", "profile_photo"))
# how long ago somebody was there, for those who may not know exactly
RECENTLY, WEEK, MONTH = 3 * 86400, 7 * 86400, 30 * 86400
Seen = Literal["recently", "last_week", "last_month", "long_ago"]


def nobody_is_in(_chat: int, _person: int) -> bool:
    return False


def rules(owner: Person, key: Key) -> Sequence[PrivacyRule]:
    """The rules in force: the account's own, or what holds for accounts that set none."""
    own = owner.account.privacy.get(key)
    if own is not None:
        return own
    if key == "phone_number":
        return [PrivacyRule(_PHONE[owner.phone_privacy])]
    if key == "added_by_phone":
        return [PrivacyRule(EVERYBODY if owner.findable else CONTACTS)]
    return [PrivacyRule(_UNSET.get(key, EVERYBODY))]


def allows(owner: Person, key: Key, viewer: Person, in_chat: InChat = nobody_is_in) -> bool:
    """Whether `owner` lets `viewer`."""
    if viewer is owner:
        return True
    if key in _HIDDEN and viewer.id in owner.blocked:
        return False
    found = rules(owner, key)
    if len(found) == 1 and found[0].kind == EVERYBODY:  # most accounts, asked for each user that is told of
        return True
    return lets(found, owner, viewer, in_chat)


def lets(found: Sequence[PrivacyRule], owner: Person, viewer: Person, in_chat: InChat = nobody_is_in) -> bool:
    """What these rules of the owner's say of somebody else."""
    answer = _by_ids(found, "users", lambda ids: viewer.id in ids)
    if answer is None:
        answer = _by_ids(found, "chats", lambda ids: any(in_chat(chat, viewer.id) for chat in ids))
    kinds = {rule.kind for rule in found}
    if answer is None and viewer.id in owner.contacts:
        answer = True if "allow_contacts" in kinds else False if "disallow_contacts" in kinds else None
    return "allow_all" in kinds if answer is None else answer


def _by_ids(found: Sequence[PrivacyRule], what: str, concerned: Callable[[list[int]], bool]) -> bool | None:
    """What the exceptions for people or chats say; None when they do not speak of this one."""
    for kind, answer in ((f"disallow_{what}", False), (f"allow_{what}", True)):
        if any(rule.kind == kind and concerned(rule.ids) for rule in found):
            return answer
    return None


def phone_visible(viewer: Person, target: Person, in_chat: InChat = nobody_is_in) -> bool:
    """Whoever has typed the number knows it; for the others it is as the account says."""
    written = viewer.contacts.get(target.id)
    if written is not None and written.phone and written.phone == target.phone:
        return True
    return allows(target, "phone_number", viewer, in_chat)


def except_for(owner: Person, key: Key, person: int) -> bool:
    """Let one person in, whatever holds for the others. Whether that changed anything."""
    kept = [PrivacyRule(rule.kind, list(rule.ids)) for rule in rules(owner, key)]
    for rule in kept:
        if rule.kind == "disallow_users":
            rule.ids = [each for each in rule.ids if each != person]
    kept = [rule for rule in kept if rule.kind != "disallow_users" or rule.ids]
    own = next((rule for rule in kept if rule.kind == "allow_users"), None)
    if own is None:
        kept.insert(0, PrivacyRule("allow_users", [person]))
    elif person not in own.ids:
        own.ids.append(person)
    changed = kept != list(rules(owner, key))
    owner.account.privacy[key] = kept
    return changed


def findable_by(viewer: Person, target: Person, in_chat: InChat = nobody_is_in) -> bool:
    """Whether the number leads to the account."""
    return allows(target, "added_by_phone", viewer, in_chat)


def may_be_added(by: Person, target: Person, in_chat: InChat = nobody_is_in) -> bool:
    """Whether somebody may put the target into groups and channels."""
    return by.id not in target.blocked and allows(target, "chat_invite", by, in_chat)


def seen_exactly(viewer: Person, target: Person, in_chat: InChat = nobody_is_in) -> bool:
    """Whether the time is told: the target lets the viewer, and the viewer hides nothing from the target."""
    key: Key = "status_timestamp"
    return allows(target, key, viewer, in_chat) and allows(viewer, key, target, in_chat)


def roughly(ago: float) -> Seen:
    """What is told in place of the time."""
    if ago <= RECENTLY:
        return "recently"
    return "last_week" if ago <= WEEK else "last_month" if ago <= MONTH else "long_ago"
