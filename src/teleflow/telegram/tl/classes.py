"""What a method may do: each of the layer's has a class, by the rules below, first match first.

`refused` ones would end or bend what the service itself keeps of a session (its login, its place in the updates, its
uploads); there is a route for what people want of them. What no rule names is a write.

Some parameters make a read or a write dangerous: those that spend, or have the account's password in them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from functools import cache
from typing import Any


class MethodClass(enum.StrEnum):
    READ = "read"
    WRITE = "write"
    DANGEROUS = "dangerous"
    REFUSED = "refused"


_C = MethodClass
_ASKS = r"(?:get|check|can|is)(?=[A-Z])"
# (what the whole name matches, class, why)
_RULES: tuple[tuple[str, MethodClass, str], ...] = (
    (r"[^.]+", _C.REFUSED, "belongs to the connection"),
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
    (r"account\.invalidateSignInCodes", _C.DANGEROUS, "touches how the account is protected"),
    (r"messages\.(accept|request|check)UrlAuth.*", _C.DANGEROUS, "logs the account in elsewhere"),
    (r"messages\.request\w*WebView", _C.DANGEROUS, "logs the account in to a bot's web app"),
    (r"account\.(registerDevice|unregisterDevice|updateDeviceLocked)", _C.DANGEROUS, "sends pushes elsewhere"),
    (r"channels\.(delete(Channel|History|ParticipantHistory)|editCreator|convertToGigagroup)", _C.DANGEROUS,
     "can't be undone"),
    (r"messages\.delete(Chat|\w*History|RevokedExportedChatInvites)", _C.DANGEROUS, "can't be undone"),
    (r"messages\.(editChatCreator|migrateChat)", _C.DANGEROUS, "can't be undone"),
    (r"account\.(confirmBotConnection|updateConnectedBot|toggleConnectedBotPaused)", _C.DANGEROUS,
     "lets a bot speak for the account"),
    (r"contacts\.resetSaved", _C.DANGEROUS, "can't be undone"),
    (r"payments\.get\w*(Withdrawal|AdsAccount)Url", _C.DANGEROUS, "hands money out"),
    (rf"(payments|premium|smsjobs|fragment)\.(?!{_ASKS}).*", _C.DANGEROUS, "spends, or binds to pay"),
    (r"messages\.(sendPaidReaction|toggleSuggestedPostApproval)", _C.DANGEROUS, "spends, or binds to pay"),
    (r"messages\.(.*(Encrypted|Encryption|DhConfig).*|receivedQueue)", _C.DANGEROUS,
     "secret chats: their keys are not kept here"),
    (r"phone\.getGroupCallStreamRtmpUrl", _C.DANGEROUS, "hands a stream's key out"),
    (rf"phone\.(?!{_ASKS}).*|stories\.startLive", _C.DANGEROUS, "calls"),
    (rf"bots\.(?!{_ASKS}).*", _C.DANGEROUS, "other people's programs"),
    (r"messages\.getBotCallbackAnswer|ephemeral\.getCallbackAnswer", _C.WRITE, ""),  # presses a button
    (r"contacts\.getLocated", _C.WRITE, ""),  # shows where the account is
    (rf"\w+\.({_ASKS}|search|resolve|load|translate|summarize)([A-Z].*)?", _C.READ, ""),
    (r"upload\.reuploadCdnFile|stickers\.suggestShortName|\w+\.export(Message|Story)Link", _C.READ, ""),
    (r".*", _C.WRITE, ""),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), kind, why) for pattern, kind, why in _RULES)
# Fields, and constructors, that make more of a method wherever they stand in its parameters.
_DEAR = {
    "allow_paid_stars": "spends Stars",
    "allow_paid_floodskip": "spends Stars",
    "refund_charged": "pays Stars back",
    "price": "binds to pay",
    "inputMediaStakeDice": "stakes money",
    "inputCheckPasswordSRP": "has the account's password",
}
_NOTHING: tuple[Any, ...] = (None, False, 0, "0")


@cache
def class_of(method: str) -> tuple[MethodClass, str]:
    """The class, and for what is more than a write: why."""
    return next((kind, why) for pattern, kind, why in _COMPILED if pattern.fullmatch(method))


def dearness_of(params: Mapping[str, Any]) -> str:
    """Why a call with these parameters is dangerous whatever its method is; empty where it is not."""
    left: list[Any] = [params]
    while left:
        match left.pop():
            case Mapping() as held:
                kind = held.get("_")
                if isinstance(kind, str) and kind in _DEAR:
                    return _DEAR[kind]
                for name in held.keys() & _DEAR.keys():
                    if held[name] not in _NOTHING:
                        return _DEAR[name]
                left += held.values()
            case list() as held:
                left += held
    return ""
