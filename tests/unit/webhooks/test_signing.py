"""What we sign, an independent implementation accepts; what is altered, ours refuses."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook as Standard

from teleflow.webhooks.signing import NotGenuine, new_secret, signatures, verify

NOW = int(datetime.now(UTC).timestamp())
SECRET = new_secret()
BODY = b'{"id":"evt_1","data":{"text":"\xc3\xa4 1.10 9007199254740993"}}'


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_ten_thousand_random_payloads_verify_with_the_reference_library() -> None:
    chance = random.Random(1)
    for number in range(10_000):
        body = json.dumps({"n": chance.random(), "text": chr(chance.randint(32, 0xD7FF)) * 3}).encode()
        Standard(SECRET).verify(body, lower(signatures([SECRET], f"dlv_{number}", NOW, body)))


@pytest.mark.parametrize("secret", ["s", "pa$$wörd", "whsec_not base64!", "whsec_", "x" * 500])
def test_secrets_of_any_form_sign_with_their_bytes(secret: str) -> None:
    headers = lower(signatures([secret], "dlv_1", NOW, BODY))
    assert headers["x-teleflow-signature"] == hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
    signed = b"dlv_1.%d." % NOW + BODY
    expected = b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_while_two_are_valid_each_of_them_verifies() -> None:
    old = new_secret()
    headers = lower(signatures([SECRET, old], "dlv_1", NOW, BODY))
    for secret in (SECRET, old):
        Standard(secret).verify(BODY, headers)
    assert headers["x-teleflow-signature"] == hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert headers["x-teleflow-signature-previous"] == hmac.new(old.encode(), BODY, hashlib.sha256).hexdigest()


def check(secret: str = SECRET, body: bytes = BODY, now: float = NOW, **changed: str | None) -> None:
    headers = signatures([SECRET], "dlv_1", NOW, BODY)
    given: dict[str, str | None] = {
        "signature": headers["X-TeleFlow-Signature"],
        "id_": headers["webhook-id"],
        "timestamp": headers["webhook-timestamp"],
        "standard": headers["webhook-signature"],
    }
    given |= changed
    verify(secret, body, now=now, **given)


def test_what_is_genuine_is_accepted() -> None:
    check()
    check(signature=None)
    check(id_=None, timestamp=None, standard=None)
    check(now=NOW + 300)
    check(now=NOW - 300)
    check(standard=f"v1,{'A' * 43}= {signatures([SECRET], 'dlv_1', NOW, BODY)['webhook-signature']}")


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY[:-1] + b" "},
        {"now": NOW + 301.0},
        {"now": NOW - 301.0},
        {"id_": "dlv_2"},
        {"secret": new_secret()},
        {"standard": "v1,"},
        {"standard": ""},
        {"standard": "v1,not base64"},
        {"standard": " ".join(["v1,AAAA"] * 200)},
        {"timestamp": str(NOW + 1)},
        {"timestamp": ""},
        {"timestamp": "soon"},
        {"timestamp": "9" * 13},
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": None, "standard": None},
    ],
)
def test_what_is_altered_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(NotGenuine):
        check(**changed)  # type: ignore[arg-type]
