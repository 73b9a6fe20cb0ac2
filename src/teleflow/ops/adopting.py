"""Taking over what the older full gateway kept: logins, API keys, webhooks and their history.

Everything goes to one user, for that service knew no owners. Ids stay (but those of keys), so that clients go on naming
what they named; a row that is here already is left as it is, so that doing it twice does nothing more. A session is
checked by nobody here: the service connects it at its next start, and asks whose account it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teleflow import __version__
from teleflow.config import Settings
from teleflow.errors import Conflict, Invalid, NotFound, SettingsError, TeleFlowError
from teleflow.kit.clock import milliseconds
from teleflow.kit.ids import id_of
from teleflow.kit.networks import networks
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.events import EventFilter, check_types
from teleflow.model.keys import ApiKey, key_hash, may_be_a_key, shown_prefix
from teleflow.model.peers import normalize_phone
from teleflow.model.session_strings import StoredLogin, read_session_string
from teleflow.model.sessions import Credentials, Device, Profile, Session, SessionState
from teleflow.model.users import Role, User, scopes_of
from teleflow.model.webhooks import Attempt, Delivery, DeliveryState, RetryPolicy, Webhook
from teleflow.ops import old_database as their
from teleflow.ops.keyring import refuse_unadmitted
from teleflow.ops.old_database import Old, OldDatabase, WrongKey, instant, is_set, number, opened_login, text
from teleflow.ops.opened import Opened
from teleflow.services.accounts import Accounts, FirstAdmin, service_credentials
from teleflow.services.passwords import Passwords
from teleflow.storage.base.adoption import History, HistoryStore
from teleflow.telegram.dc import Telegram
from teleflow.webhooks.signing import new_secret
from teleflow.webhooks.target import target

ADOPTED = "ADOPTED"  # the cause of a session that came so, until it is online
_AT_ONCE = 200  # deliveries in one transaction
_RESPONSE = 8_192
_NO_LIMIT = 1_000_000  # of keys and webhooks: what there was, there is
_MOST_NAME = 100
_EVERYWHERE = networks("0.0.0.0/0, ::/0")


@dataclass(slots=True)
class Report:
    """`took` and `standing` (here already) count by kind; `left` says of what nothing was taken, and why."""

    took: Counter[str] = field(default_factory=Counter)
    standing: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def adopt(
    at: Opened,
    file: Path,
    *,
    username: str,
    key: str,
    dry: bool = False,
    on_first_admin: Callable[[FirstAdmin], None] = lambda _: None,
) -> Report:
    """Where nothing was ever started the first admin is made, as the first start does; `on_first_admin` hears of it.

    Raises Invalid (another file, a key that opens nothing), NotFound (the user), SettingsError (no api_id).
    """
    await refuse_unadmitted(at.storage, at.seal)
    api = service_credentials(at.settings)
    if api is None:
        raise SettingsError("TELEGRAM_API_ID and TELEGRAM_API_HASH are needed: set those of the older service")
    with OldDatabase(file, folder=at.settings.teleflow_data_dir) as old:
        user = await at.storage.user_named(username)
        if user is None and username == at.settings.admin_username:
            user = User("", username, Role.ADMIN, "", None, None, None, None, milliseconds(at.clock.time()))
            await _Taking(at, old, user, key, api, dry=True).sessions()  # a wrong key is told before anything is made
            if not dry:
                user = await _first_admin(at, on_first_admin)
        if user is None:
            raise NotFound(f"There is no user {username}: name one with --user")
        taking = _Taking(at, old, user, key, api, dry=dry)
        await taking.sessions()
        await taking.keys()
        await taking.webhooks()
        await taking.deliveries()
        taking.report.left += old.left()
        taking.report.notes += [f"there is no table of {name} in it" for name in old.lacking()]
        return taking.report


async def _first_admin(at: Opened, tell: Callable[[FirstAdmin], None]) -> User | None:
    passwords = Passwords(workers=1)
    try:
        made = await Accounts(at.storage, passwords, at.settings, at.clock).ensure_admin()
    finally:
        passwords.close()
    if made is not None:
        tell(made)
    return await at.storage.user_named(at.settings.admin_username)


class _Taking:
    def __init__(self, at: Opened, old: OldDatabase, user: User, key: str, api: tuple[int, str], *, dry: bool) -> None:
        self._at = at
        self._old = old
        self._user = user
        self._key = key
        self._api = api
        self._dry = dry
        self._now = milliseconds(at.clock.time())
        self._telegram = _telegram(at.settings)
        self._webhooks: set[str] = set()
        self.report = Report()

    async def sessions(self) -> None:
        opened = refused = 0
        names: set[str] = set()
        logins: set[bytes] = set()
        for row in self._old.rows("sessions"):
            name = f"session {row['name']!r}"
            if not row["sessionstring"] or not is_set(row["isauthorized"]):
                self.report.left.append(f"{name}: it has no login")
                continue
            try:
                login = read_session_string(opened_login(row["sessionstring"], self._key))
                opened += 1
                if login.auth_key in logins:
                    raise Conflict("another session of that file has the same login")
                logins.add(login.auth_key)
                await self._session(row, login, names)
            except WrongKey as error:
                refused += 1
                self.report.left.append(f"{name}: {error.message}")
            except (Invalid, Conflict) as error:
                self.report.left.append(f"{name}: {error.message}")
        if refused and not opened:
            raise WrongKey("The key opens none of the logins: give the SESSION_ENCRYPTION_KEY of the older service")

    async def _session(self, row: Old, login: StoredLogin, names: set[str]) -> None:
        id_ = str(row["id"])
        there = await self._at.storage.session_by_id(id_) is not None
        if await self._was_taken("sessions", id_, there, f"session {row['name']!r}"):
            return
        host, port = self._place(login)
        name = text(row["name"]).strip()[:_MOST_NAME] or id_
        if name in names or await self._at.storage.session_named(self._user.id, name) is not None:
            name = f"{name[: _MOST_NAME - 9]} {id_[-8:]}"
        names.add(name)
        session = Session(
            id=id_,
            user_id=self._user.id,
            name=name,
            phone=_phone(row["phonenumber"]),
            state=SessionState.CONNECTING,
            cause=ADOPTED,
            state_since=self._now,
            authorised=True,
            account_id=None,
            account_name=None,
            created_at=instant(row["createdat"]) or self._now,
            last_online_at=instant(row["lastconnected"]),
        )
        credentials = Credentials(login.dc_id, host, port, login.auth_key, 0, *self._api)
        if not self._dry:
            await self._at.storage.add_arrival(
                session,
                credentials,
                Profile(device=Device(app_version=__version__)),
                audit=self._entry(Act.SESSION_IMPORTED, id_, name=name),
            )
        await self._took("sessions", id_)

    def _place(self, login: StoredLogin) -> tuple[str, int]:
        """Where its data centre is: we know better than a text of unknown age does. Raises Invalid."""
        if self._telegram.is_production and (login.is_test or self._telegram.is_test_address(login.host or "")):
            raise Invalid("its login was made at Telegram's test data centres")
        centre = self._telegram.centre(login.dc_id)
        if centre is not None:
            return centre.host, centre.port
        if login.host is None or login.port is None:
            raise Invalid(f"data centre {login.dc_id} is not known here")
        return login.host, login.port

    async def _was_taken(self, kind: str, id_: str, there: bool, name: str) -> bool:
        """Once taken, never again: what was revoked or removed here must not come back."""
        if there:
            self.report.standing[kind] += 1
            await self._remember(kind, id_)  # of a taking that was ended before it came to that
        elif await self._at.storage.remembered(_fact(kind, id_)) is not None:
            self.report.left.append(f"{name}: it was taken before, and is another user's now, or was removed here")
            return True
        return there

    async def _took(self, kind: str, id_: str) -> None:
        await self._remember(kind, id_)
        self.report.took[kind] += 1

    async def _remember(self, kind: str, id_: str) -> None:
        if not self._dry:
            await self._at.storage.remember(_fact(kind, id_), "taken")

    async def keys(self) -> None:
        hashes: set[str] = set()
        for row in self._old.rows("apikeys"):
            secret = text(row["key"])
            name = f"API key {row['name']!r} ({shown_prefix(secret) if secret.startswith('tfb_') else row['id']}…)"
            ends = instant(row["expiresat"])
            if not is_set(row["isactive"]):
                self.report.left.append(f"{name}: it was revoked")
            elif ends is not None and ends <= self._now:
                self.report.left.append(f"{name}: it has expired")
            elif not may_be_a_key(secret.encode()):
                self.report.left.append(f"{name}: it has not the form of a key")
            else:
                hash_ = key_hash(secret.encode())
                if hash_ in hashes:
                    self.report.left.append(f"{name}: another row of that file has the same key")
                    continue
                hashes.add(hash_)
                there = await self._at.storage.key_of_hash(hash_) is not None
                if not await self._was_taken("API keys", hash_, there, name):
                    await self._take_key(row, secret, ends)

    async def _take_key(self, row: Old, secret: str, ends: int | None) -> None:
        key = ApiKey(
            id=id_of("key", f"adopted {row['id']}"),  # what is a key is told by its id here
            user_id=self._user.id,
            name=text(row["name"]).strip()[:_MOST_NAME] or "adopted",
            hash=key_hash(secret.encode()),
            prefix=shown_prefix(secret),
            scopes=scopes_of(Role.ADMIN if row["role"] == "admin" and self._user.role is Role.ADMIN else Role.USER),
            session_ids=None,
            rate_limit=None,
            by_login=False,
            created_at=instant(row["createdat"]) or self._now,
            expires_at=ends,
        )
        if not self._dry:
            entry = self._entry(Act.KEY_CREATED, key.id, name=key.name)
            await self._at.storage.add_key(key, most=_NO_LIMIT, now=self._now, audit=entry)
        await self._took("API keys", key.hash)

    async def webhooks(self) -> None:
        for row in self._old.rows("webhooks"):
            id_ = str(row["id"])
            there = await self._at.storage.webhook(self._user.id, id_) is not None
            if there:
                self._webhooks.add(id_)
            if await self._was_taken("webhooks", id_, there, f"webhook {id_}"):
                continue
            wanted, unknown = _types(row["events"])
            if not wanted:
                self.report.left.append(f"webhook {id_}: it names no event that there is")
                continue
            self.report.notes += [f"webhook {id_}: there is no event {name!r}" for name in unknown]
            await self._take_webhook(row, id_, wanted)

    async def _take_webhook(self, row: Old, id_: str, wanted: frozenset[str]) -> None:
        url, is_one = self._url(id_, their.as_fetched(text(row["url"])))
        webhook = Webhook(
            id=id_,
            user_id=self._user.id,
            url=url,
            wanted=EventFilter(wanted, None),
            secret=text(row["secret"]) or new_secret(),
            active=is_set(row["isactive"]) and is_one,
            created_at=instant(row["createdat"]) or self._now,
            updated_at=instant(row["updatedat"]) or self._now,
            policy=RetryPolicy.LEGACY,
        )
        if not row["secret"]:
            self.report.notes.append(f"webhook {id_} had no secret: it is signed now, under a new one")
        if not self._dry:
            entry = self._entry(Act.WEBHOOK_CREATED, id_)
            await self._at.storage.add_webhook(webhook, most=_NO_LIMIT, audit=entry)
        await self._took("webhooks", id_)
        self._webhooks.add(id_)

    def _url(self, id_: str, url: str) -> tuple[str, bool]:
        """In the form in which one is kept here, and whether it can be one: settings may let it be reached later."""
        try:
            kept = target(url, allowed=_EVERYWHERE)
        except TeleFlowError as error:
            self.report.notes.append(f"webhook {id_} comes switched off: {error.message}")
            return url, False
        try:
            target(url, allowed=self._at.settings.allowed_webhook_nets)
        except TeleFlowError as error:
            self.report.notes.append(f"webhook {id_} can't be reached as things are set: {error.message}")
        return kept, True

    async def deliveries(self) -> None:
        store = self._at.storage
        if not isinstance(store, HistoryStore):
            self.report.left.append("deliveries: this kind of database takes no history")
            return
        for page in _pages(self._deliveries()):
            came = await store.adopt_deliveries(page, dry=self._dry)
            self.report.took["deliveries"] += came
            self.report.standing["deliveries"] += len(page) - came
        days = self._at.settings.event_retention_days
        if self.report.took["deliveries"] and days:
            self.report.notes.append(
                f"deliveries are kept for {days} days from now (EVENT_RETENTION_DAYS; 0 keeps them for ever)"
            )

    def _deliveries(self) -> Iterator[History]:
        lost = 0
        for row in self._old.rows("webhookdeliveries"):
            if str(row["webhookid"]) in self._webhooks:
                yield _delivery(row, self._user.id, self._now)
            else:
                lost += 1
        if lost:
            self.report.left.append(f"{lost} deliveries: of webhooks that are not here")

    def _entry(self, act: Act, target_: str, **details: Any) -> AuditEntry:
        told = {"from": "adopt", **details}
        return AuditEntry(
            act.value, self._now, user_id=self._user.id, actor="the operator", target=target_, details=told
        )


def _fact(kind: str, id_: str) -> str:
    return f"adopted/{kind}/{id_}"


def _delivery(row: Old, user_id: str, now: int) -> History:
    at, ok = instant(row["createdat"]) or now, is_set(row["success"])
    body = text(row["payload"])
    event = their.fields(body)
    status, took_ms = number(row["status"]) or None, number(row["duration"])
    response = text(row["response"])[:_RESPONSE]
    error = None if status is not None else (response or "no answer")
    attempts = max(1, number(row["attempts"]))
    delivery = Delivery(
        id=str(row["id"]),
        webhook_id=str(row["webhookid"]),
        user_id=user_id,
        event_id=text(event.get("id")) or str(row["id"]),
        event_type=text(row["event"]),
        session_id=text(event.get("sessionId")) or None,
        state=DeliveryState.DELIVERED if ok else DeliveryState.FAILED,
        attempts=attempts,
        earlier=0,
        due_at=at,
        created_at=at,
        ended_at=now,  # how long it is kept counts from here
        status=status,
        error=error,
        duration_ms=took_ms,
    )
    attempt = Attempt(attempts, at, took_ms, status, error, {}, {}, response if status else "")
    return delivery, attempt, body.encode()


def _types(kept: Any) -> tuple[frozenset[str], list[str]]:
    """Those that there are, and those that there are not, of a JSON array or of names with commas between."""
    try:
        read = json.loads(text(kept))
    except ValueError:
        read = text(kept).split(",")
    asked = {text(one).strip() for one in ([read] if isinstance(read, str) else read if isinstance(read, list) else [])}
    known: set[str] = set()
    unknown: list[str] = []
    for one in sorted(asked):
        try:
            known |= check_types([one], field="events")
        except Invalid:
            unknown.append(one)
    return frozenset(known), unknown


def _phone(written: Any) -> str:
    try:
        return normalize_phone(text(written))
    except Invalid:
        return text(written)


def _pages(rows: Iterator[History]) -> Iterator[list[History]]:
    page: list[History] = []
    for row in rows:
        page.append(row)
        if len(page) == _AT_ONCE:
            yield page
            page = []
    if page:
        yield page


def _telegram(settings: Settings) -> Telegram:
    if settings.telegram_dc is None:
        return Telegram.production()
    return Telegram.at(settings.telegram_dc, settings.telegram_dc_key)
