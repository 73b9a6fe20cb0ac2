"""The examples of the older simple service, word for word but for names, numbers and the address, against the demo.

The texts below are what its users have in their scripts; `<admin_token>` and `<user_token>` are filled in as a
reader would fill them in.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.demonstration import demonstrated

STAND_IN = Path(__file__).parents[1] / "support" / "curl.py"
CURL = shutil.which("curl") or f"{shlex.quote(sys.executable)} {shlex.quote(str(STAND_IN))}"
ADMIN_LOGIN = r"""curl -X POST http://localhost:8001/auth/login \
-d "username=admin&password=YourStrongPassword123!" """
CREATE_USER = r"""curl -X POST http://localhost:8001/users \
-H "Authorization: Bearer <admin_token>" \
-H "Content-Type: application/json" \
-d '{
"username": "john",
"password": "securepass123",
"telegram_phone": "+15551234567",
"telegram_api_id": 12345678,
"telegram_api_hash": "abcdef1234567890abcdef1234567890"
}' """
USER_LOGIN = r"""# Login as the user
curl -X POST http://localhost:8001/auth/login \
-d "username=john&password=securepass123" """
INIT = r"""# Start session — a code will be sent to the phone via Telegram
curl -X POST http://localhost:8001/telegram/init \
-H "Authorization: Bearer <user_token>" """
VERIFY = r"""# Enter the code
curl -X POST http://localhost:8001/telegram/verify \
-H "Authorization: Bearer <user_token>" \
-H "Content-Type: application/json" \
-d '{"code": "12345"}' """
SEND = r"""curl -X POST http://localhost:8001/send \
-H "Authorization: Bearer <user_token>" \
-H "Content-Type: application/json" \
-d '{
"phone": "+15559876543",
"message": "Your verification code is: 482917"
}' """
LOGS = r"""curl http://localhost:8001/logs \
-H "Authorization: Bearer <user_token>" """
JAVASCRIPT = """// Login
const { access_token } = await fetch("/auth/login", {
method: "POST",
headers: { "Content-Type": "application/x-www-form-urlencoded" },
body: "username=john&password=securepass123"
}).then(r => r.json());
// Send message
await fetch("/send", {
method: "POST",
headers: {
"Content-Type": "application/json",
"Authorization": `Bearer ${access_token}`
},
body: JSON.stringify({
phone: "+15559876543",
message: "Your verification code is: 482917"
})
});"""
# A page's fetch knows its own address and its last answer; Node's is told and asked for them.
_PAGE = """const real = fetch; let last;
globalThis.fetch = async (path, options) => (last = await real(new URL(path, %s), options));
"""
_TOLD = "\nconsole.log(last.status, await last.text());\n"


class Reader:
    """Somebody who follows the examples: with the demo's address, phones and login."""

    def __init__(self, ready: dict[str, Any], folder: Path) -> None:
        self.ready = ready
        self.folder = folder
        self.phone = ready["phones"][0]["phone"]
        self.friend = next(person["phone"] for person in ready["phones"] if person["scenario"] == "echo")
        self.tokens = {"admin_token": "", "user_token": ""}

    def fill(self, example: str) -> str:
        changes = {
            "http://localhost:8001": self.ready["url"],
            "YourStrongPassword123!": self.ready["password"],
            "username=admin": f"username={self.ready['username']}",
            "+15551234567": self.phone,
            "+15559876543": self.friend,
            **{f"<{name}>": token for name, token in self.tokens.items()},
        }
        for old, new in changes.items():
            example = example.replace(old, new)
        return example

    def run(self, example: str) -> dict[str, Any]:
        done = subprocess.run(
            ["bash", "-c", self.fill(example).replace("curl ", f"{CURL} -s ", 1)],
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
            cwd=self.folder,
            env={**os.environ, "no_proxy": "*"},
        )
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def control(self, path: str) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.ready["sandbox"]["controlUrl"] + path, timeout=30) as answer:
            return json.load(answer)

    def delivered(self, text: str) -> int:
        """How many messages with this text reached the friend."""
        lines = self.control(f"/ledger/messages?phone={urllib.parse.quote(self.friend)}")
        rows = lines if isinstance(lines, list) else next(value for value in lines.values() if isinstance(value, list))
        return sum(row["text"] == text and row["to"] == self.friend for row in rows)

    def connect(self) -> None:
        """From the admin's login to a connected account."""
        admin = self.run(ADMIN_LOGIN)
        assert admin["token_type"] == "bearer"
        self.tokens["admin_token"] = admin["access_token"]
        assert self.run(CREATE_USER)["username"] == "john"
        self.tokens["user_token"] = self.run(USER_LOGIN)["access_token"]
        assert "message" in self.run(INIT)
        code = self.control(f"/accounts/{urllib.parse.quote(self.phone)}/code")["code"]
        done = self.run(VERIFY.replace("12345", code))
        assert done["phone"] == self.phone
        assert done["name"]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with demonstrated(tmp_path) as (ready, _):
        yield Reader(ready, tmp_path)


def test_the_curl_examples_from_admin_login_to_logs(reader: Reader) -> None:
    reader.connect()
    sent = reader.run(SEND)
    assert sent["success"] is True
    assert isinstance(sent["detail"], str)
    text = "Your verification code is: 482917"
    assert reader.delivered(text) == 1
    logs = reader.run(LOGS)
    assert logs["count"] == 1
    [row] = logs["logs"]
    assert (row["username"], row["from_phone"], row["to_phone"]) == ("john", reader.phone, reader.friend)
    assert (row["message"], row["success"]) == (text, True)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_javascript_example_sends_too(reader: Reader) -> None:
    reader.connect()
    script = _PAGE % json.dumps(reader.ready["url"]) + reader.fill(JAVASCRIPT) + _TOLD
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200 "), done.stdout
    assert json.loads(done.stdout[4:])["success"] is True
    assert reader.delivered("Your verification code is: 482917") == 1
