"""Attacks by what texts, names, numbers and searches hold."""

from __future__ import annotations

import time
import urllib.parse
from typing import Any

from proofs.attacks.case import Account, Case, Context, Found, statuses, that, together
from proofs.wire import Reply

SEND = "/api/v1/messages/send"
SESSIONS = "/api/v1/sessions"


async def _send(context: Context, account: Account, text: str, **more: Any) -> Reply:
    body = {"sessionId": account.session, "chatId": "me", "text": text, **more}
    return await context.ask("POST", SEND, body, key=account.user.key)


async def texts(context: Context) -> Found:
    """Lengths are counted as Telegram does, in UTF-16 units."""
    ann = await context.account("ann")
    fits = [await _send(context, ann, text) for text in ("x", "x" * 4096, "😀" * 2048, "a\u0301" * 2048)]
    refused = [
        await _send(context, ann, text)
        for text in ("", "   ", "x" * 4097, "😀" * 2049, "😀" * 4096, "a" + "\u0301" * 100_000, "\n\t ")
    ]
    odd = [await _send(context, ann, text) for text in ("\u200b\u200b", "a\x00b", "\u202ereversed", "\ufeff")]
    simple = [
        await context.ask("POST", "/send", {"phone": ann.phone, "message": text}, token=ann.user.access)
        for text in ("x" * 4097, "😀" * 2049)
    ]
    return together(statuses(fits, 201), statuses([*refused, *simple], 400, 422), statuses(odd, 201, 400, 422))


PHONES = ("+", "abc", "+" + "1" * 40, "+٣٤٥٦٧٨٩٠", "' OR 1=1--", "", "+1 (555)", "0", "+0", "++15550001", "+1\x00555")


async def phones(context: Context) -> Found:
    user, ann = await context.user(), await context.account("ann")
    begun = [
        await context.ask("POST", SESSIONS, {"name": f"p{n}", "phoneNumber": phone}, token=user.access)
        for n, phone in enumerate(PHONES)
    ]
    chats = [
        await context.ask("POST", SEND, {"sessionId": ann.session, "chatId": phone, "text": "x"}, key=ann.user.key)
        for phone in PHONES
    ]
    left = await context.data("GET", SESSIONS, token=user.access)
    return together(statuses(begun, 400, 422), statuses(chats, 400, 404, 422), that(not left, "nothing kept"))


NAMES = ("../../x", "..\\..\\x", "a\x00b", "n" * 300, "CON", "/etc/passwd", "a\u202egpj.exe", "\ud83d\ude00", "%2e%2e")


async def names(context: Context) -> Found:
    """Names are data: nothing on disk is called by them."""
    user, ann = await context.user(), await context.account("ann")
    before = _files(context)
    replies = []
    for name in NAMES:
        replies.append(await context.ask("POST", f"{SESSIONS}/qr", {"name": name}, token=user.access))
        replies.append(await context.ask("PATCH", f"{SESSIONS}/{ann.session}", {"name": name}, token=ann.user.access))
        replies.append(await context.ask("POST", "/api/v1/keys", {"name": name, "scopes": ["read"]}, token=user.access))
        body = {"name": name, "password": "a long enough one"}
        replies.append(await context.ask("POST", "/api/v1/users", body, token=context.admin))
    for session in await context.data("GET", SESSIONS, token=user.access):
        await context.ask("POST", f"{SESSIONS}/{session['id']}/cancel", token=user.access)
    new = _files(context) - before
    return together(statuses(replies, 200, 201, 409, 422), that(not new, f"new files: {sorted(new) or 'none'}"))


def _files(context: Context) -> set[str]:
    """All that the service keeps, but for its database."""
    found = context.gateway.data_dir.rglob("*")
    return {path.name for path in found if path.is_file() and "teleflow.db" not in path.name}


MARKED = (
    "*" * 4000,
    "_*" * 2000,
    "[" * 4000,
    "[a](" * 1000,
    "`" * 3999,
    "||" * 2000,
    "[x](javascript:alert(1))",
    "**bold",
    "\\" * 4000,
)
TAGGED = (
    "<b>" * 4000 + "x" + "</b>" * 4000,
    "<" * 4000,
    "<b" * 2000,
    "<b>x",
    "</b>x",
    '<a href="javascript:alert(1)">x</a>',
    "<script>x</script>",
    "&" * 4000,
    "&#x110000;&#-1;&#" + "9" * 3000 + ";",
    '<a href="' + "x" * 20_000 + '">x</a>',
)


async def marks(context: Context) -> Found:
    ann = await context.account("ann")
    replies, slowest = [], 0.0
    for mode, given in (("markdown", MARKED), ("html", TAGGED)):
        for text in given:
            began = time.monotonic()
            replies.append(await _send(context, ann, text, parseMode=mode))
            slowest = max(slowest, time.monotonic() - began)
    deep = [{"type": "bold", "offset": n % 7, "length": 1} for n in range(1001)]
    odd = [
        await _send(context, ann, "x", entities=entities)
        for entities in (
            deep,
            [{"type": "bold", "offset": 0, "length": 0}],
            [{"type": "bold", "offset": -1, "length": 1}],
            [{"type": "bold", "offset": 5, "length": 1}],
            [{"type": "evil", "offset": 0, "length": 1}],
            [{"type": "text_link", "offset": 0, "length": 1, "url": "javascript:alert(1)"}],
        )
    ]
    return together(
        statuses(replies, 201, 400, 422),
        statuses(odd[:-1], 201, 400, 422),
        that(odd[-1].status < 500, f"javascript: {odd[-1].status}"),
        that(slowest < 2, f"{slowest * 1000:.0f} ms at most"),
    )


async def searches(context: Context) -> Found:
    ann = await context.account("ann")
    await _send(context, ann, "under_score and 100%")
    replies, slowest = [], 0.0
    for query in (
        "(a+)+$" * 40,
        "a" * 256,
        "%",
        "_",
        "\\",
        "'; DROP TABLE sends;--",
        "%00",
        "😀" * 128,
        " ".join("ab" * 60),
    ):
        began = time.monotonic()
        body = {"sessionId": ann.session, "query": query}
        replies.append(await context.ask("POST", "/api/v1/chats/search", body, key=ann.user.key))
        slowest = max(slowest, time.monotonic() - began)
    long = await context.ask(
        "POST", "/api/v1/chats/search", {"sessionId": ann.session, "query": "a " * 10_000}, key=ann.user.key
    )
    return together(
        statuses(replies, 200), statuses([long], 422), that(slowest < 2, f"{slowest * 1000:.0f} ms at most")
    )


async def limits(context: Context) -> Found:
    """Pages of no size, below and above all sizes; lists sorted by what nobody sorts by."""
    ann = await context.account("ann")
    at = f"sessionId={ann.session}"
    paths = (
        f"/api/v1/messages/history?{at}&chatId=me",
        f"/api/v1/chats?{at}",
        f"/api/v1/contacts?{at}",
        "/api/v1/jobs?",
        "/api/v1/sessions?",
    )
    replies = [
        await context.ask("GET", f"{path}&limit={value}", key=ann.user.key)
        for path in paths
        for value in ("1000000", "-1", "0", "9" * 40, "1e3", "", "%00")
    ]
    offsets = [
        await context.ask("GET", f"{paths[0]}&{name}={value}", key=ann.user.key)
        for name in ("offsetId", "afterId")
        for value in ("-1", str(2**31), str(2**63), "x")
    ]
    return statuses([*replies, *offsets], 422)


async def sorting(context: Context) -> Found:
    """No list is sorted by what a caller names; what is asked for is let be or refused, and costs nothing."""
    ann = await context.account("ann")
    replies = [
        await context.ask("GET", f"{path}{mark}{name}={urllib.parse.quote(value)}", key=ann.user.key)
        for path, mark in (("/api/v1/jobs", "?"), ("/api/v1/sessions", "?"))
        for name in ("sort", "order", "orderBy", "filter")
        for value in ("text", "-created_at", "1; DROP TABLE users", "(SELECT 1)")
    ]
    state = await context.ask("GET", "/api/v1/jobs?state=evil", key=ann.user.key)
    return together(statuses(replies, 200, 422), statuses([state], 422))


async def content(context: Context) -> Found:
    """What others write comes as it is, as data that no browser takes for a page; a thousand edits are one message."""
    ann = await context.account("ann")
    friend = await context.person("<script>alert(1)</script>", username=f"friend{context.gateway.port}")
    text = "<img src=x onerror=alert(1)>\u2028{n}"
    act = {"do": "send", "to": ann.phone, "text": text}
    sent = await context.sandbox.control.post(f"/accounts/{friend}/act", act)
    edit = {"do": "edit", "messageId": sent["messageId"], "text": f"{text}, edited", "times": 1000}
    edited = await context.sandbox.control.ask("POST", f"/accounts/{friend}/act", edit)
    path = f"/api/v1/messages/history?sessionId={ann.session}&chatId=%40friend{context.gateway.port}"
    reply = await context.ask("GET", path, key=ann.user.key)
    listed = reply.json()["data"] if reply.status == 200 else []
    headers = (reply.header("content-type"), reply.header("x-content-type-options"))
    return together(
        that(edited.status in {200, 201}, "edited 1,000 times"),
        that(reply.status == 200 and len(listed) == 1, f"{reply.status}, {len(listed)} message"),
        that(bool(listed) and listed[0]["text"].startswith("<img src=x onerror"), "told as written"),
        that(headers == ("application/json", "nosniff"), f"{headers}"),
    )


CASES = (
    Case("I03", "texts of every length, empty and odd", texts),
    Case("I04", "phone numbers that are none", phones),
    Case("I06", "names that are paths", names),
    Case("I10", "formatting unclosed, nested, with scripts", marks),
    Case("I11", "searches that are patterns", searches),
    Case("D04", "pages of no size and of every size", limits),
    Case("D07", "lists sorted by what nobody may sort by", sorting),
    Case("D08", "names and texts of others with scripts, 1000 edits", content),
)
