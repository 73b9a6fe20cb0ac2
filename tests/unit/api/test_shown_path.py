"""What a log says of a path: enough to know the route, and nothing that only its caller should know."""

from __future__ import annotations

import pytest

from teleflow.api.facts import shown_path


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "/"),
        ("/api/v1/messages/send", "/api/v1/messages/send"),
        ("/api/v1/auth/change-password", "/api/v1/auth/change-password"),
        ("/api/v1/sessions/ses_01m8dz1910e44bc155fkkd3pj1/chats/-1002100000001/topics/5",) * 2,
        ("/api/v1/chats/+15550100001", "/api/v1/chats/…"),
        ("/api/v1/chats/15550100001/members", "/api/v1/chats/…/members"),
        ("/api/v1/chats/@somebody", "/api/v1/chats/…"),
        (
            "/api/v1/sessions/x/chats/-100/invites/AbCdEfGhIjKlMnOp/revoke",
            "/api/v1/sessions/…/chats/-100/invites/…/revoke",
        ),
        ("/api/v1/files/aSecretOfALink", "/api/v1/files/…"),
        ("/docs/oauth.html", "/docs/oauth.html"),
        ("/send\nforged line", "/…"),
    ],
)
def test_a_path_is_shown_without_what_its_caller_wrote(path: str, shown: str) -> None:
    assert shown_path({"path": path}) == shown
