"""Every parameter and field of the API is known to the isolation matrix; one that is not breaks it."""

from __future__ import annotations

import copy

import pytest

from proofs.api.fields import UnknownFieldError, operations
from tests.support.openapi import document


def test_every_field_is_listed_and_ids_are_told_from_what_is_none() -> None:
    known = {one.name: one for one in operations(document())}
    assert len(known) == sum(len(item) for item in document()["paths"].values())
    kinds = {one.name: one.kind for one in known["messages.reply"].fields}
    assert (kinds["sessionId"], kinds["chatId"], kinds["replyToMsgId"]) == ("session", "chat", "message")
    assert kinds["text"] is None
    assert [one.kind for one in known["jobs.get"].fields] == ["job"]
    assert known["users.remove"].needs_admin


def test_a_field_that_nobody_listed_breaks_the_matrix() -> None:
    changed = copy.deepcopy(document())
    reads = changed["paths"]["/api/v1/jobs"]["get"]["parameters"]
    reads.append({"name": "webhookId", "in": "query", "schema": {"type": "string"}})
    with pytest.raises(UnknownFieldError, match="webhookId"):
        list(operations(changed))
