"""Which texts are taken for a login code that is sent on."""

from __future__ import annotations

import pytest

from teleflow.model.login_codes import holds_code, tells_login_code


@pytest.mark.parametrize("text", ["12345", "the code: 1-2-3-4-5", "it says 123 456.", "code 54321!"])
def test_a_code_is_seen_however_it_is_written(text: str) -> None:
    assert holds_code(text)


@pytest.mark.parametrize("text", ["", "1234", "call +15550001", "room 1234567", "a12345", "٣٤٥٦٧", "in 2026, 10 of us"])
def test_other_numbers_are_no_codes(text: str) -> None:
    assert not holds_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "Login code: 12345. Do not give this code to anyone, even if they say they are from Telegram!",
        "my Telegram code is 54321",
    ],
)
def test_what_telegram_writes_is_known_again(text: str) -> None:
    assert tells_login_code(text)


@pytest.mark.parametrize("text", ["Your verification code is: 482917", "Telegram is nice", "order 12345 is on its way"])
def test_other_texts_are_let_be(text: str) -> None:
    assert not tells_login_code(text)
