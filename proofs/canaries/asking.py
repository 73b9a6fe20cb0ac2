"""Requests that carry canaries, made from what the OpenAPI document says of an operation: right ones and wrong ones."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proofs.api.fields import IDS, PLAIN, WORD, Field, Operation
from proofs.api.matrix import NOBODYS
from proofs.canaries.flock import OF_FIELD, Flock

TOO_LARGE = 1_200_000
_BOUNDARY = "canaries"
Ids = Callable[[Field], Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; `way` says what is wrong with it."""

    operation: str
    way: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class Writer:
    """Requests for one operation after the other. `kinds`: of each operation the content type that it takes."""

    def __init__(self, flock: Flock, document: Mapping[str, Any]) -> None:
        self._flock = flock
        self._kinds = {
            declared["operationId"]: next(iter(declared.get("requestBody", {}).get("content", {"": None})))
            for item in document["paths"].values()
            for declared in item.values()
        }

    def right(self, operation: Operation, ids: Ids, way: str = "right") -> Request:
        given = {one: value for one in operation.fields if (value := self.value(one, ids)) is not None}
        return self._request(operation, way, given)

    def wrong(self, operation: Operation, ids: Ids) -> Iterator[Request]:
        """Everything that can be wrong with what is asked, by a caller who may."""
        right = {one: value for one in operation.fields if (value := self.value(one, ids)) is not None}
        yield self._request(operation, "ids that nobody has", right | self._ids(operation, NOBODYS))
        phone, text = self._flock["phone of a chat"], self._flock["message text"]
        yield self._request(
            operation, "a phone for each id", right | self._ids(operation, dict.fromkeys(NOBODYS, phone))
        )
        yield self._request(operation, "a text for each id", right | self._ids(operation, dict.fromkeys(NOBODYS, text)))
        if any(one.place == "query" for one in operation.fields):
            odd = {one: text for one in operation.fields if one.place == "query"}
            yield self._request(operation, "words for numbers", right | odd)
        if not any(one.place == "body" for one in operation.fields):
            return
        for way, odd in (("objects", lambda value: {"it": value}), ("lists", lambda value: [[value]])):
            body = {one: odd(self._secret(one)) for one in operation.fields if one.place == "body"}
            yield self._request(operation, f"{way} for values", right | body)
        sound = self._request(operation, "cut", right)
        yield Request(operation.name, "cut off", sound.method, sound.path, sound.headers, sound.body[:-1])
        yield Request(operation.name, "no JSON", sound.method, sound.path, sound.headers, sound.body + sound.body)
        large = sound.body + b" " * TOO_LARGE
        yield Request(operation.name, "too large", sound.method, sound.path, sound.headers, large)

    def strangers(self, operation: Operation, ids: Ids) -> Iterator[Request]:
        """By those who may not: with what looks like a token, a key, a cookie, a password."""
        right = self.right(operation, ids)
        for way, header, value in (
            ("a token that is none", "authorization", f"Bearer {self._flock['bearer token']}"),
            ("a bot's token", "authorization", f"Bearer {self._flock['bot-like token']}"),
            ("a key that is none", "x-api-key", self._flock["API key that is none"]),
            ("a cookie that is none", "cookie", f"__Host-teleflow={self._flock['cookie']}; s={self._flock['cookie']}"),
            ("basic", "authorization", f"Basic {self._flock['basic password']}"),
        ):
            yield Request(operation.name, way, right.method, right.path, {**right.headers, header: value}, right.body)
        query = urllib.parse.urlencode({"ticket": self._flock["ticket"], "token": self._flock["token of a link"]})
        path = f"{right.path}{'&' if '?' in right.path else '?'}{query}"
        yield Request(operation.name, "a ticket that is none", right.method, path, right.headers, right.body)

    def value(self, one: Field, ids: Ids) -> Any:
        """What stands in this field when all is right; None: it is left out."""
        if one.kind is not None:
            return ids(one)
        special = self._special().get(one.name)
        if special is not None:
            return special
        if one.name in OF_FIELD:
            return self._flock[OF_FIELD[one.name]]
        return PLAIN.get(one.name, WORD if one.required else None)

    def _special(self) -> dict[str, Any]:
        flock = self._flock
        return {
            "headers": {"X-Canary": flock["webhook header"]},
            "url": f"http://127.0.0.1:59999/{flock['webhook address']}",
            "proxy": {
                "type": "socks5", "host": "127.0.0.1", "port": 59998,
                "username": "someone", "password": flock["proxy password"],
            },
            "options": [flock["poll option"], "another"],
            "items": [
                {"type": "photo", "file": "a", "caption": flock["album caption"]},
                {"type": "photo", "file": "b"},
            ],
            "contacts": [{"phone": flock["phone of a contact"], "firstName": "Nobody"}],
            "recipients": [{"to": flock["phone of a recipient"], "values": {"name": flock["broadcast value"]}}],
            "params": {"peer": "me", "message": flock["text in raw params"], "random_id": 1},
            "method": "messages.sendMessage",
        }  # fmt: skip

    def _secret(self, one: Field) -> str:
        return self._flock[OF_FIELD.get(one.name, "message text")]

    def _ids(self, operation: Operation, values: Mapping[str, Any]) -> dict[Field, Any]:
        return {one: values[one.kind] for one in operation.fields if one.kind is not None and one.name in IDS}

    def _request(self, operation: Operation, way: str, given: Mapping[Field, Any]) -> Request:
        path, query, body = operation.path, [], {}
        for one, value in given.items():
            if one.place == "path":
                path = path.replace(f"{{{one.name}}}", urllib.parse.quote(str(value), safe=""))
            elif one.place == "query":
                query.append((one.name, str(value)))
            else:
                body[one.name] = [value] if one.many and not isinstance(value, list | dict) else value
        if query:
            path += "?" + urllib.parse.urlencode(query)
        kind = self._kinds[operation.name]
        headers, raw = self._encoded(kind, body)
        return Request(operation.name, way, operation.method, path, headers, raw)

    def _encoded(self, kind: str, body: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        if not kind:
            return {}, b""
        if kind == "application/x-www-form-urlencoded":
            return {"content-type": kind}, urllib.parse.urlencode(body).encode()
        if kind.startswith("multipart/"):
            parts = [
                f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n'
                f"{value if isinstance(value, str) else json.dumps(value)}\r\n"
                for name, value in body.items()
            ]
            head = f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
            raw = "".join([*parts, head, self._flock["file"], f"\r\n--{_BOUNDARY}--\r\n"]).encode()
            return {"content-type": f"multipart/form-data; boundary={_BOUNDARY}"}, raw
        return {"content-type": "application/json"}, json.dumps(body).encode()
