"""The walk's book: one row for each route and kind of chat, and the client that asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from proofs.outcome import Row
from proofs.seed2.contract import ERROR, WrongError, check

WITHIN = 40.0


@dataclass
class Step:
    """One row being made: what was answered, and what the data centre says to it."""

    route: str
    kind: str
    answered: list[str] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)

    def agree(self, what: str, told: Any, found: Any) -> None:
        """What was told must be what is found at the data centre. Raises WrongError."""
        if told != found:
            raise WrongError(f"{what}: told {told!r}, found {found!r}"[:300])
        self.agreed.append(what)


class Book:
    """The rows. `walked` has each route and kind that was gone to its end."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.walked: set[tuple[str, str]] = set()
        self.asked = 0
        self._step: Step | None = None

    @contextmanager
    def step(self, route: str, kind: str = "") -> Iterator[Step]:
        """A route that fails is a broken row, and the walk goes on."""
        step = self._step = Step(route, kind)
        what = f"{route} · {kind}" if kind else route
        try:
            yield step
            if not step.agreed or not step.answered:
                raise WrongError("nothing was asked, or nothing at the data centre was compared")
        except Exception as error:  # noqa: BLE001 - told in the table
            text = f"{', '.join(step.answered) or 'no answer'}; {type(error).__name__}: {error}"
            self.rows.append(Row(what, "agreed", text.replace("\n", " ")[:400], holds=False))
        else:
            self.walked.add((route, kind))
            text = f"{', '.join(step.answered)}; {', '.join(dict.fromkeys(step.agreed))}"
            self.rows.append(Row(what, "agreed", text[:160], holds=True))
        finally:
            self._step = None

    def note(self, status: int, shape: str) -> None:
        self.asked += 1
        if self._step is not None:
            self._step.answered.append(f"{status} {shape}".strip())


class Client:
    """As the older gateway's clients are: a key or a token, JSON, the envelope, and nothing that is newer."""

    def __init__(self, book: Book, url: str, *, key: str | None = None, token: str | None = None) -> None:
        self._book = book
        self._url = url
        headers = {"X-API-Key": key} if key else {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.AsyncClient(headers=headers, timeout=WITHIN, trust_env=False)
        self.last: httpx2.Response | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, shape: Any, **query: Any) -> Any:
        return await self._ask("GET", path, shape, 200, params=query)

    async def delete(self, path: str, shape: Any) -> Any:
        return await self._ask("DELETE", path, shape, 200)

    async def post(self, path: str, shape: Any, body: Mapping[str, Any] | None = None, *, status: int = 200) -> Any:
        return await self._ask("POST", path, shape, status, json=body)

    async def refused(self, method: str, path: str, status: int, code: str, body: Any = None) -> None:
        """Raises WrongError unless it is refused so."""
        answer = await self._http.request(method, self._where(path), json=body)
        told = self._read(answer, status)
        if told.get("success") is not False:
            raise WrongError(f"{path}: an error without success: false")
        check(told.get("error"), ERROR, "error")
        if told["error"]["code"] != code:
            raise WrongError(f"{path}: {told['error']['code']} where {code} is due")
        self._book.note(status, code)

    async def _ask(self, method: str, path: str, shape: Any, status: int, **more: Any) -> Any:
        answer = self.last = await self._http.request(method, self._where(path), **more)
        told = self._read(answer, status)
        if told.get("success") is not True or "data" not in told:
            raise WrongError(f"{path}: no envelope: {answer.text[:100]}")
        check(told["data"], shape)
        name = f"[{shape[0].name}]" if isinstance(shape, list) else shape.name
        self._book.note(status, name)
        return told["data"]

    def _where(self, path: str) -> str:
        return self._url + (path if path in {"/health", "/version"} else f"/api/v1{path}")

    def _read(self, answer: httpx2.Response, status: int) -> dict[str, Any]:
        if answer.status_code != status:
            self._book.note(answer.status_code, "")
            raise WrongError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:200]}")
        if answer.headers.get("content-type", "").split(";")[0] != "application/json":
            raise WrongError(f"{answer.request.url.path}: {answer.headers.get('content-type')}")
        told: dict[str, Any] = answer.json()
        return told
