"""What the routes about sessions take and tell."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from teleflow.api.v1.envelope import Body, Shape, TextOrNumber
from teleflow.errors import Invalid
from teleflow.model.logins import CodeSent, QrLogin
from teleflow.model.pacing import FIRST_CONTACTS, SENDS, Hold
from teleflow.model.proxies import Proxy, proxy_of
from teleflow.model.sessions import Device, Profile
from teleflow.services.sessions import NewSession, Pace, SessionView
from teleflow.wire.instants import iso


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a control character")
    return text


Line = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
Code = Annotated[str, Field(min_length=2, max_length=16, pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]


class ProxyBody(Body):
    """`secret` is an MTProxy's: 16 bytes in hex or base64, plain or with dd in front."""

    type: Literal["socks5", "http", "mtproxy"]
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(ge=1, le=65535)
    username: str | None = Field(None, max_length=255)
    password: str | None = Field(None, max_length=255)
    secret: str | None = Field(None, max_length=600)


class DeviceBody(Body):
    """What the account's owner sees among their devices. Fixed for the life of the session."""

    device_model: Line | None = None
    system_version: Line | None = None
    app_version: Line | None = None
    lang_code: Code | None = None
    system_lang_code: Code | None = None


ProxyGiven = Annotated[
    ProxyBody | str | None,
    Field(description="A proxy, or its URL: socks5://, http://, or a t.me/proxy link"),
]


class _NewBody(Body):
    name: str = Field(min_length=1, max_length=100)
    api_id: int | None = Field(None, gt=0, lt=2**31, description="Its own Telegram api_id, with apiHash")
    api_hash: str | None = Field(None, pattern=r"^[0-9A-Za-z]{8,128}$")
    proxy: ProxyGiven = None
    device: DeviceBody | None = None


class NewQrBody(_NewBody):
    """A login by QR code."""


class NewSessionBody(_NewBody):
    """A login by code."""

    phone_number: str = Field(min_length=1, max_length=64)


class ImportBody(_NewBody):
    session_string: str = Field(min_length=1, max_length=1024, description="Of Telethon, GramJS or Pyrogram")


class VerifyCodeBody(Body):
    session_id: TextOrNumber = Field(max_length=64)
    phone_code: TextOrNumber = Field(min_length=1, max_length=32)
    phone_code_hash: str = Field(max_length=256)


class VerifyPasswordBody(Body):
    session_id: TextOrNumber = Field(max_length=64)
    password: str = Field(min_length=1, max_length=1024)


class ExportBody(Body):
    password: str | None = Field(None, max_length=1024, description="Your own, once more")
    format: Literal["gramjs", "telethon", "pyrogram", "telethon-file"] = "gramjs"


class ChangeSessionBody(Body):
    """What is left out stays. `proxy: null` is the straight way."""

    name: str | None = Field(None, min_length=1, max_length=100)
    proxy: ProxyGiven = None


class WaitShape(Shape):
    """What Telegram asked the session to leave alone until then: a method (`sends`: everything that sends;
    `firstContacts`: whoever it never talked to), in one chat or in all of them.
    """

    method: str
    chat_id: str | None
    until: str
    code: str
    message: str

    @classmethod
    def of(cls, hold: Hold) -> WaitShape:
        method = {SENDS: "sends", FIRST_CONTACTS: "firstContacts"}.get(hold.method, hold.method)
        return cls(
            method=method, chat_id=hold.scope or None, until=iso(hold.until), code=hold.code, message=hold.message
        )


class PaceShape(Shape):
    """`firstContacts`: people written to for the first time in the last 24 hours, of `firstContactsPerDay`."""

    first_contacts: int
    first_contacts_per_day: int


class SessionShape(Shape):
    id: str
    name: str
    phone_number: str
    is_active: bool = Field(description="Whether it is connected now")
    is_authorized: bool
    created_at: str
    last_connected: str | None
    state: str
    cause: str | None
    state_since: str
    account_id: str | None
    account_name: str | None
    waits: list[WaitShape]

    @classmethod
    def of(cls, view: SessionView) -> SessionShape:
        session = view.session
        return cls(
            id=session.id,
            name=session.name,
            phone_number=session.phone,
            is_active=view.connected,
            is_authorized=session.authorised,
            created_at=iso(session.created_at),
            last_connected=iso(session.last_online_at) if session.last_online_at is not None else None,
            state=view.state.value,
            cause=view.cause,
            state_since=iso(session.state_since),
            account_id=str(session.account_id) if session.account_id is not None else None,
            account_name=session.account_name,
            waits=[WaitShape.of(hold) for hold in view.waits],
        )


class ProxyShape(Shape):
    """Never its password or secret."""

    type: str
    host: str
    port: int


class DeviceShape(Shape):
    device_model: str
    system_version: str
    app_version: str
    lang_code: str
    system_lang_code: str


class OneSessionShape(SessionShape):
    proxy: ProxyShape | None = None
    device: DeviceShape | None = None
    pace: PaceShape | None = None

    @classmethod
    def with_profile(cls, view: SessionView, profile: Profile, pace: Pace) -> OneSessionShape:
        device = profile.device
        return cls(
            **SessionShape.of(view).model_dump(),
            proxy=ProxyShape(**profile.proxy.shown) if profile.proxy else None,
            device=DeviceShape(
                device_model=device.model,
                system_version=device.system,
                app_version=device.app_version,
                lang_code=device.lang_code,
                system_lang_code=device.system_lang_code,
            ),
            pace=PaceShape(first_contacts=pace.first_contacts, first_contacts_per_day=pace.per_day),
        )


class CodeShape(Shape):
    """`phoneCodeHash` goes back with the code. `timeout`: seconds until another code may be asked for."""

    session_id: str
    step: Literal["CODE_REQUIRED", "LOGGED_IN"]
    phone_code_hash: str
    code_type: str | None = None
    next_type: str | None = None
    timeout: int | None = None

    @classmethod
    def of(cls, session_id: str, sent: CodeSent) -> CodeShape:
        return cls(
            session_id=session_id,
            step="LOGGED_IN" if sent.already else "CODE_REQUIRED",
            phone_code_hash=sent.ticket,
            code_type=sent.code_type or None,
            next_type=sent.next_type or None,
            timeout=sent.timeout,
        )


class StepShape(Shape):
    session_id: str
    step: Literal["LOGGED_IN", "PASSWORD_REQUIRED"]


class QrShape(Shape):
    """`url` is what the code holds; `qr.svg` and `qr.png` are its pictures. It changes every half minute."""

    session_id: str
    step: Literal["QR_REQUIRED", "PASSWORD_REQUIRED", "LOGGED_IN", "EXPIRED"]
    url: str | None = None
    expires_at: str | None = None

    @classmethod
    def of(cls, session_id: str, login: QrLogin) -> QrShape:
        return cls(
            session_id=session_id,
            step=login.step.value,
            url=login.url,
            expires_at=iso(login.expires_at) if login.expires_at is not None else None,
        )


class ImportedShape(Shape):
    session_id: str
    account_id: str
    account_name: str
    phone_number: str


class ExportedShape(Shape):
    """A string, or with `telethon-file` the file's bytes in base64. Whoever has it has the account."""

    format: str
    session_string: str | None = None
    session_file: str | None = None
    file_name: str | None = None


def new_session(body: _NewBody, *, phone: str | None = None) -> NewSession:
    """Raises Invalid."""
    if (body.api_id is None) != (body.api_hash is None):
        raise Invalid("apiId and apiHash go together", details={"field": "apiHash"})
    api = (body.api_id, body.api_hash) if body.api_id is not None and body.api_hash is not None else None
    return NewSession(body.name, phone, api, given_proxy(body.proxy), _device(body.device))


def given_proxy(given: ProxyBody | str | None) -> Proxy | None:
    if given is None:
        return None
    return proxy_of(given if isinstance(given, str) else given.model_dump())


def _device(given: DeviceBody | None) -> Device | None:
    if given is None:
        return None
    fields: dict[str, Any] = {
        "model": given.device_model,
        "system": given.system_version,
        "app_version": given.app_version,
        "lang_code": given.lang_code,
        "system_lang_code": given.system_lang_code,
    }
    return Device(**{name: value for name, value in fields.items() if value is not None})
