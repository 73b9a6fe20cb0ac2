"""The layer's classes and schemas: complete, and what they say is true of what the codec takes."""

from __future__ import annotations

from collections import Counter

import jsonschema_rs
import pytest

from teleflow.telegram.tl import names
from teleflow.telegram.tl.classes import MethodClass, class_of
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
                  "upload.getFile", "messages.search", "contacts.search", "help.getConfig", "stories.getPeerStories"]),
        ("write", ["messages.sendMessage", "messages.readHistory", "account.updateProfile", "channels.joinChannel",
                   "messages.getBotCallbackAnswer", "contacts.importContacts", "stories.sendStory",
                   "upload.saveFilePart", "messages.setTyping", "account.updateStatus"]),
        ("dangerous", ["account.deleteAccount", "account.updatePasswordSettings", "account.resetAuthorization",
                       "auth.resetAuthorizations", "channels.deleteChannel", "channels.editCreator",
                       "messages.editChatCreator",
                       "messages.deleteHistory", "account.changePhone", "payments.sendStarsForm",
                       "auth.acceptLoginToken",
                       "account.getPassword", "account.setAccountTTL", "phone.requestCall"]),
        ("refused", ["auth.logOut", "auth.bindTempAuthKey", "auth.sendCode", "auth.importBotAuthorization"]),
    ],
)  # fmt: skip
def test_methods_are_of_the_class_that_people_expect(kind: str, methods: list[str]) -> None:
    assert {method: class_of(method)[0].value for method in methods} == dict.fromkeys(methods, kind)


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
