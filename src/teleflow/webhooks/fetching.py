"""A file from an address that a user names, through the one door out.

Promises: each address on the way is checked as a webhook's is, redirects too (three at most); what comes is given on as
it comes, and no faster than it is taken; a server that sends nothing for a while, or takes too long in all, is given
up; what went wrong is told without telling what is at addresses that are not public.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from teleflow.errors import Invalid, TeleFlowError
from teleflow.webhooks.egress import BadAnswer, Coming, Egress
from teleflow.webhooks.target import target

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3
_NAME = re.compile(r'filename="?([^";]+)"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Download:
    """What a server says of a file, and its bytes. `size` is what it says, None when it does not."""

    name: str
    mime_type: str
    size: int | None
    pieces: AsyncIterator[bytes]


class Fetcher:
    """`within`: seconds for a whole file."""

    def __init__(self, egress: Egress, *, agent: str, within: float) -> None:
        self._egress = egress
        self._agent = agent
        self._within = within

    @asynccontextmanager
    async def get(self, url: str) -> AsyncIterator[Download]:
        """Raises Invalid: URL_NOT_ALLOWED, MEDIA_URL_FAILED."""
        headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": self._agent}
        try:
            async with asyncio.timeout(self._within):
                for _ in range(_MOST_REDIRECTS + 1):
                    at = target(url, allowed=self._egress.allowed)
                    async with self._egress.get(at, headers) as response:
                        if response.status not in _REDIRECTS or "location" not in response.headers:
                            yield _download(at, response)
                            return
                        url = urljoin(at, response.headers["location"])
                raise _failed("it redirects too often")
        except TimeoutError as error:
            raise _failed("it did not come in time") from error
        except OSError as error:  # a forbidden address among them: it looks like any other
            raise _failed("there is no connection to it") from error
        except BadAnswer as error:
            raise _failed("its answer can't be read") from error


def _download(url: str, response: Coming) -> Download:
    if response.status != 200:
        raise _failed(f"its server answers {response.status}")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise _failed("it is packed, which was not asked for")
    named = _NAME.search(response.headers.get("content-disposition", ""))
    name = named[1] if named else unquote(urlsplit(url).path.rpartition("/")[2])
    mime = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Download(name, mime, response.size, response.pieces)


def _failed(why: str) -> TeleFlowError:
    return Invalid(f"The file of the URL can't be had: {why}", code="MEDIA_URL_FAILED", details={"field": "url"})
