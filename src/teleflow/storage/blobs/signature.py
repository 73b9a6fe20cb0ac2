"""AWS Signature Version 4 for S3, of requests whose body is not signed with them.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

UNSIGNED = "UNSIGNED-PAYLOAD"
_TERMINATOR = "aws4_request"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, for which region."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"

    def headers(
        self, method: str, host: str, path: str, now: float, given: Mapping[str, str], *, payload: str = UNSIGNED
    ) -> dict[str, str]:
        """The headers of a request without a query: `given` (lower case), and those that sign them. `now` in seconds.

        `path` is not encoded yet; what is sent is `encoded` of it.
        """
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {**given, "host": host, "x-amz-content-sha256": payload, "x-amz-date": moment}
        names = sorted(signed)
        lines = [f"{name}:{' '.join(signed[name].split())}\n" for name in names]
        named = ";".join(names)
        request = "\n".join((method, encoded(path), "", "".join(lines), named, payload))
        scope = f"{moment[:8]}/{self.region}/s3/{_TERMINATOR}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._key(moment[:8]), to_sign.encode(), "sha256").hex()
        credential = f"Credential={self.access_key}/{scope}"
        authorization = f"AWS4-HMAC-SHA256 {credential},SignedHeaders={named},Signature={signature}"
        return {**signed, "authorization": authorization}

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret_key}".encode()
        for part in (day, self.region, "s3", _TERMINATOR):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def encoded(path: str) -> str:
    """A path as S3 has it in a URL and in what is signed."""
    return quote(path, safe="/-_.~")
