"""What a method may do: each of the layer's has a class, by the rules below, first match first.

`refused` ones would end or bend what the service itself keeps of a session (its login, its place in the updates, its
uploads); there is a route for what people want of them.
"""

from __future__ import annotations

import enum
import re
from functools import cache


class MethodClass(enum.StrEnum):
    READ = "read"
    WRITE = "write"
    DANGEROUS = "dangerous"
    REFUSED = "refused"


_C = MethodClass
# (what the whole name matches, class, why)
_RULES: tuple[tuple[str, MethodClass, str], ...] = (
    (r"auth\.logOut", _C.REFUSED, "the session is logged out by POST /api/v1/sessions/{id}/logout"),
    (r"auth\.(exportAuthorization|exportLoginToken|acceptLoginToken)", _C.DANGEROUS, "hands the account out"),
    (r"auth\.resetAuthorizations", _C.DANGEROUS, "ends the account's other logins"),
    (r"auth\..*", _C.REFUSED, "logins are made by the routes of sessions"),
    (r"(account|channels|messages|users)\.(initTakeoutSession|finishTakeoutSession)", _C.REFUSED, "takes a wrapper"),
    (r"account\.(deleteAccount|set(Account|Authorization)TTL|changeAuthorizationSettings)", _C.DANGEROUS,
     "touches whether the account goes on"),
    (r"account\.(\w*ChangePhone\w*|changePhone|\w*(confirm|Confirm|verify|Verify)Phone\w*)", _C.DANGEROUS,
     "touches the account's number"),
    (r"account\..*([Pp]assword|[Pp]asskey|Authorization|SecureValue|[Ee]mail).*", _C.DANGEROUS,
     "touches how the account is protected"),
    (r"account\.(registerDevice|unregisterDevice|updateDeviceLocked)", _C.DANGEROUS, "sends pushes elsewhere"),
    (r"channels\.(delete(Channel|History|ParticipantHistory)|editCreator|convertToGigagroup)", _C.DANGEROUS,
     "can't be undone"),
    (r"messages\.(deleteChat|deleteHistory|deletePhoneCallHistory|deleteRevokedExportedChatInvites)", _C.DANGEROUS,
     "can't be undone"),
    (r"messages\.(editChatCreator|migrateChat)", _C.DANGEROUS, "can't be undone"),
    (r"account\.(confirmBotConnection|updateConnectedBot)", _C.DANGEROUS, "lets a bot speak for the account"),
    (r"contacts\.resetSaved", _C.DANGEROUS, "can't be undone"),
    (r"(payments|premium|smsjobs|fragment)\.(?!get|check).*", _C.DANGEROUS, "spends, or binds to pay"),
    (r"messages\..*(Encrypted|Encryption|DhConfig).*", _C.DANGEROUS, "secret chats: their keys are not kept here"),
    (r"phone\.(?!get|check).*", _C.DANGEROUS, "calls"),
    (r"bots\.(?!get|can).*", _C.DANGEROUS, "other people's programs"),
    (r"upload\.save.*", _C.WRITE, ""),
    (r"(updates|help|langpack|stats|upload|users)\..*", _C.READ, ""),
    (r"\w+\.(get|search|check|resolve|can|is|found|load|translate|export(MessageLink|StoryLink)).*", _C.READ, ""),
    (r".*", _C.WRITE, ""),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), kind, why) for pattern, kind, why in _RULES)
# Reads by their names that do more.
_WRITES = frozenset({"messages.getBotCallbackAnswer", "users.setSecureValueErrors", "help.saveAppLog",
                     "help.acceptTermsOfService", "help.hidePromoData", "help.dismissSuggestion",
                     "help.setBotUpdatesStatus", "help.editUserInfo", "users.suggestBirthday"})  # fmt: skip


@cache
def class_of(method: str) -> tuple[MethodClass, str]:
    """The class, and for what is more than a write: why."""
    if method in _WRITES:
        return _C.WRITE, ""
    return next((kind, why) for pattern, kind, why in _COMPILED if pattern.fullmatch(method))
