"""The layer's classes and schemas: complete, and what they say is true of what the codec takes."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import jsonschema_rs
import pytest
from telethon.tl import TLRequest

from teleflow.telegram.tl import names
from teleflow.telegram.tl.classes import MethodClass, class_of
from teleflow.telegram.tl.fields import Kind, fields_of
from teleflow.telegram.tl.layer import Layer

LAYER = Layer()


def test_every_method_has_a_class_and_what_is_more_than_a_write_a_reason() -> None:
    counts = Counter(class_of(method)[0] for method in names.methods())
    assert set(counts) == set(MethodClass)
    for method in names.methods():
        kind, why = class_of(method)
        assert bool(why) == (kind in {MethodClass.DANGEROUS, MethodClass.REFUSED}), method


@pytest.mark.parametrize(
    ("kind", "methods"),
    [
        ("read", ["messages.getHistory", "users.getUsers", "contacts.resolveUsername", "updates.getState",
                  "upload.getFile", "messages.search", "contacts.search", "help.getConfig", "stories.getPeerStories",
                  "bots.checkUsername", "upload.reuploadCdnFile", "messages.summarizeText", "smsjobs.isEligibleToJoin",
                  "payments.getPaymentForm", "langpack.getLanguages", "channels.exportMessageLink"]),
        ("write", ["messages.sendMessage", "messages.readHistory", "account.updateProfile", "channels.joinChannel",
                   "messages.getBotCallbackAnswer", "contacts.importContacts", "stories.sendStory",
                   "upload.saveFilePart", "messages.setTyping", "account.updateStatus",
                   "contacts.getLocated", "ephemeral.getCallbackAnswer", "help.saveAppLog", "users.suggestBirthday"]),
        ("dangerous", ["account.deleteAccount", "account.updatePasswordSettings", "account.resetAuthorization",
                       "auth.resetAuthorizations", "channels.deleteChannel", "channels.editCreator",
                       "messages.editChatCreator",
                       "messages.deleteHistory", "account.changePhone", "payments.sendStarsForm",
                       "auth.acceptLoginToken", "messages.acceptUrlAuth", "messages.requestUrlAuth",
                       "messages.requestMainWebView", "messages.deleteTopicHistory", "messages.deleteSavedHistory",
                       "messages.sendPaidReaction", "messages.toggleSuggestedPostApproval", "stories.startLive",
                       "payments.getStarsRevenueWithdrawalUrl", "payments.getStarGiftWithdrawalUrl",
                       "payments.getStarsRevenueAdsAccountUrl", "phone.getGroupCallStreamRtmpUrl",
                       "messages.receivedQueue", "account.toggleConnectedBotPaused", "account.invalidateSignInCodes",
                       "account.getPassword", "account.setAccountTTL", "phone.requestCall"]),
        ("refused", ["auth.logOut", "auth.bindTempAuthKey", "auth.sendCode", "auth.importBotAuthorization",
                     "destroyAuthKey", "destroySession", "pingDelayDisconnect", "reqPq", "getFutureSalts"]),
    ],
)  # fmt: skip
def test_methods_are_of_the_class_that_people_expect(kind: str, methods: list[str]) -> None:
    assert {method: class_of(method)[0].value for method in methods} == dict.fromkeys(methods, kind)


def test_what_sounds_dangerous_is() -> None:
    """Also what a later layer brings: who takes one in says so here."""
    alarming = re.compile(
        "password|passkey|authoriz|authkey|urlauth|webview|takeout|encrypt|withdraw|phonecode|changephone|logout"
        "|account$|history$|creator|token|payment|paid|stars|gift|giveaway|boost|bot.?connect|connectedbot|groupcall",
        re.IGNORECASE,
    )
    reads = re.compile(r"\w+\.(get|check|search)[A-Z].*")
    known = {
        "account.disablePeerConnectedBot", "account.toggleNoPaidMessagesException", "channels.readHistory",
        "channels.setBoostsToUnblockRestrictions",
        "channels.updatePaidMessagesPrice", "contacts.exportContactToken", "contacts.importContactToken",
        "messages.declineUrlAuth", "messages.prolongWebView", "messages.readHistory", "messages.readSavedHistory",
        "messages.sendWebViewData", "messages.sendWebViewResultMessage", "messages.togglePaidReactionPrivacy",
        "payments.canPurchaseStore",
    }  # fmt: skip
    told = {
        method
        for method in names.methods()
        if alarming.search(method) and class_of(method)[0] in {MethodClass.READ, MethodClass.WRITE}
    }
    assert {method for method in told if not reads.fullmatch(method)} == known


@pytest.mark.parametrize(
    ("method", "params", "kind"),
    [
        ("messages.sendMessage", {"allow_paid_stars": "100"}, "dangerous"),
        ("channels.searchPosts", {"allow_paid_stars": 5}, "dangerous"),
        (
            "messages.sendMessage",
            {"suggested_post": {"_": "suggestedPost", "price": {"_": "starsAmount"}}},
            "dangerous",
        ),
        ("messages.sendMultiMedia", {"multi_media": [{"media": {"_": "inputMediaStakeDice"}}]}, "dangerous"),
        ("messages.getBotCallbackAnswer", {"password": {"_": "inputCheckPasswordSRP"}}, "dangerous"),
        ("account.toggleNoPaidMessagesException", {"refund_charged": True}, "dangerous"),
        ("messages.sendMessage", {"allow_paid_stars": None, "message": "allow_paid_stars"}, "write"),
        ("channels.searchPosts", {"allow_paid_stars": "0"}, "read"),
        ("messages.sendMessage", {"_": ["inputMediaStakeDice"]}, "write"),
        ("auth.checkPassword", {"password": {"_": "inputCheckPasswordSRP"}}, "refused"),
    ],
)
def test_what_spends_or_proves_is_dangerous_in_any_method(method: str, params: dict[str, Any], kind: str) -> None:
    found = LAYER.class_of(method, params)
    assert found is not None
    assert found[0] == kind


def test_no_method_takes_another_inside() -> None:
    """What wraps is left out, and objects are made of constructors only: no class is passed by."""
    for method, kind in names.methods().items():
        assert all(field.types for field in fields_of(kind) if field.kind is Kind.OBJECT), method
    assert not set(names.methods()) & set(names.constructors())
    assert not [name for name, kind in names.constructors().items() if issubclass(kind, TLRequest)]


def test_what_is_looked_through_may_be_as_deep_as_it_likes() -> None:
    deep: Any = {"allow_paid_stars": 1}
    for _ in range(5_000):
        deep = [deep]
    assert LAYER.class_of("messages.sendMessage", {"x": deep}) == ("dangerous", "spends Stars")


def test_only_what_reads_or_has_a_random_id_goes_again() -> None:
    assert LAYER.is_repeatable("channels.searchPosts", "read")
    assert not LAYER.is_repeatable("channels.searchPosts", "dangerous"), "it would be paid twice"
    assert LAYER.is_repeatable("messages.sendMessage", "dangerous")
    assert not LAYER.is_repeatable("messages.viewSponsoredMessage", "write"), "those bytes say what was seen"


def test_every_schema_is_json_schema_and_refers_to_types_that_there_are() -> None:
    known = set(names.types())
    for method in names.methods():
        schema = LAYER.method_schema(method)
        jsonschema_rs.meta.validate(schema)
        assert refers_to(schema) <= known, method
    for name in known:
        schema = LAYER.type_schema(name)
        jsonschema_rs.meta.validate(schema)
        assert refers_to(schema) <= known, name


def refers_to(schema: object) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
        return own.union(*map(refers_to, schema.values()))
    return set().union(*map(refers_to, schema)) if isinstance(schema, list) else set()


def test_a_name_that_is_nearly_right_is_told_the_right_one() -> None:
    assert "messages.sendMessage" in LAYER.like("messages.sendMesage")
