"""What can be set, and where it is read from: the environment, over `.env`, over `teleflow.toml`.

Every variable of both older services is honoured. Built once, passed down, never global.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from teleflow.config.bounds import Days, Rows
from teleflow.errors import SettingsError
from teleflow.kit.networks import Network, networks
from teleflow.kit.written import meant, read_toml

_ORIGIN = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(\[[0-9a-fA-F:]+\]|[^\s/:@?#\[\]]+)(:\d{1,5})?")
# A header's name: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
SETTINGS_FILE = "teleflow.toml"
PREFIX = "TELEFLOW_"
OTHER_VARIABLES = frozenset(
    {
        "TELEFLOW_CONFIG",  # another name for SETTINGS_FILE
        "TELEFLOW_URL",
        "TELEFLOW_USERNAME",
        "TELEFLOW_PASSWORD",
        "TELEFLOW_WEBHOOK_SECRET",
        "TELEFLOW_COPY_TO",
        "TELEFLOW_ADOPT_KEY",
        "TELEFLOW_TEST_STRICT",
    }
)
"""Variables of ours that are no settings: the command line's and the tests'. Any other TELEFLOW_* is a mistake."""


class Settings(BaseSettings):
    """Everything that can be set. Names are the environment's, upper case; durations carry their unit."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True)

    host: str = Field("0.0.0.0", description="Address to listen on")  # noqa: S104 - both older services' default
    port: int = Field(8001, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    teleflow_data_dir: Path = Field(Path("./data"), description="Directory for secrets, the default database and files")
    sessions_dir: Path = Field(Path("./sessions"), description="Directory of Telethon .session files to adopt")

    database_url: str | None = Field(
        None, repr=False, description="Database: file:./x.db, sqlite+…, postgresql://…, mongodb://…"
    )
    mongo_uri: str | None = Field(
        None, repr=False, description="MongoDB connection string (older name of DATABASE_URL)"
    )
    mongo_db: str = Field("telegram_server", description="MongoDB database name")

    jwt_secret: SecretStr | None = Field(None, description="Signs access tokens; generated when unset")
    jwt_refresh_secret: SecretStr | None = Field(None, description="Signs refresh tokens; generated when unset")
    jwt_algorithm: str = Field("HS256", description="HS256, HS384 or HS512")
    jwt_access_expire_minutes: float = Field(30, gt=0, le=525_600, description="Life of an access token, in minutes")
    jwt_refresh_expire_days: float = Field(7, gt=0, le=3_650, description="Life of a refresh token, in days")
    session_encryption_key: SecretStr | None = Field(
        None,
        description="Seals Telegram auth keys and other secrets at rest; 32 characters or more; generated when unset",
    )
    session_encryption_key_old: SecretStr | None = Field(
        None, description="The key before it: what that one sealed still opens, until `teleflow keys rotate` is through"
    )
    api_key: SecretStr | None = Field(None, description="Bootstrap API key of the admin")
    admin_username: str = Field("admin", description="The first admin, made at the first start")
    admin_password: SecretStr | None = Field(None, description="Their password; generated and printed once when unset")
    password_min_length: int = Field(8, ge=1, le=1024, description="Shortest password that is taken")

    telegram_api_id: int | None = Field(None, gt=0, lt=2**31, description="The service's own Telegram api_id")
    telegram_api_hash: SecretStr | None = Field(None, description="The service's own Telegram api_hash")
    telegram_dc: str | None = Field(None, description="A data centre that is not Telegram's: id@host:port")
    telegram_dc_key: Path | None = Field(None, description="File with that data centre's RSA public key, PEM")
    telegram_connect_rate: float = Field(25, ge=0, description="New connections to Telegram a second; 0 is no limit")

    send_wait_seconds: float = Field(30, gt=0, le=300, description="How long a synchronous send waits for its outcome")
    import_budget_per_hour: int = Field(
        50, ge=0, description="Contacts that may be imported to find a stranger's number, a session and hour"
    )
    first_contacts_per_day: int = Field(
        50, ge=0, description="People whom a session may write to for the first time in 24 hours; more is refused (429)"
    )
    broadcast_per_minute: int = Field(
        30, ge=1, le=100_000, description="Messages a minute that a broadcast may be paced to, at most"
    )
    code_budget_per_hour: int = Field(3, ge=1, description="Login codes that may be asked for one number in an hour")

    node_env: str = Field("production", description="development renders logs for people, everything else as JSON")
    log_level: str = Field("info", description="debug, info, warning or error")
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of its own for /metrics, open to whoever reaches it; unset: at PORT, for admins",
    )
    metrics_host: str = Field("127.0.0.1", description="Address of that port")
    otel_exporter_otlp_endpoint: str | None = Field(
        None, repr=False, description="Where traces go, over OTLP/HTTP: http://collector:4318; unset makes none"
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        None, description="Headers for it: name=value, comma-separated, values percent-encoded"
    )
    otel_service_name: str = Field("teleflow", max_length=200, description="The service's name in traces")
    otel_traces_sampler_arg: float = Field(1.0, ge=0, le=1, description="Share of traces that are recorded, 0 to 1")
    cors_origin: str | None = Field(None, description="Origins that browsers may call from, comma-separated; * for any")
    rate_limit_max: int = Field(100, ge=0, description="Requests a window for a user or key; 0 is no limit")
    rate_limit_window_ms: int = Field(60_000, gt=0, description="The window, in milliseconds")
    trusted_proxies: str = Field(
        "", description="Proxies whose X-Forwarded-For is believed: addresses and networks, comma-separated"
    )
    audit_retention_days: Days = Field(365, description="Days that the audit log is kept; 0 keeps it for ever")
    log_retention_days: Days = Field(
        0, description="Days that the message log and ended send jobs are kept; 0 keeps them for ever"
    )
    event_retention_days: Days = Field(7, description="Days that events are kept; 0 keeps them for ever")
    event_retention_most: Rows = Field(1_000_000, description="Events that are kept of each user, at most")
    streams_per_key: int = Field(20, ge=1, description="Event streams that one key or login may have open")
    webhook_allow_nets: str = Field("", description="Private networks that webhooks may reach, comma-separated")
    webhooks_per_user: int = Field(50, ge=1, le=1000, description="Webhooks that one user may have")
    webhook_disable_after_hours: float = Field(
        120, gt=0, description="Hours of nothing but failures after which a webhook is disabled"
    )
    stop_within_seconds: float = Field(
        25, gt=0, le=600, description="Longest a stop may take: sends under way are settled, the rest goes on later"
    )
    body_limit_bytes: int = Field(1_048_576, ge=1024, description="Largest request body")

    download_quota_bytes: int = Field(
        0, ge=0, description="Bytes that a user may download from Telegram in a day; 0 is no limit"
    )
    downloads_per_user: int = Field(16, ge=1, description="Downloads that a user may have under way at once")
    upload_most_bytes: int = Field(
        2_097_152_000, ge=1, le=4_194_304_000, description="Most bytes of a file to be sent; Telegram's own limit"
    )
    uploads_per_user: int = Field(4, ge=1, description="Requests with files that a user may have under way at once")
    upload_spool_bytes: int = Field(
        21_474_836_480, ge=1_048_576, description="Most bytes of files on disk that wait to be sent"
    )
    media_url_within_seconds: float = Field(300, ge=1, le=3600, description="Longest time to fetch a file from a URL")
    file_cache_dir: Path | None = Field(None, description="Directory to keep downloaded files in; unset keeps none")
    file_cache_bytes: int = Field(10_737_418_240, ge=1_048_576, description="Most bytes of files that are kept there")
    file_cache_s3_url: str | None = Field(
        None, description="Bucket (and prefix) to keep downloaded files in: https://s3.example.com/bucket/prefix"
    )
    file_cache_s3_region: str = Field("us-east-1", description="The bucket's region")
    file_cache_s3_access_key: str | None = Field(None, description="Access key of the bucket")
    file_cache_s3_secret_key: SecretStr | None = Field(None, description="Secret key of the bucket")

    proxy_allow_nets: str = Field("", description="Private networks that sessions' proxies may be in, comma-separated")

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any, info: Any) -> Any:
        """`NAME=` in a file means "not set", as in both older services' examples."""
        if (
            isinstance(value, str)
            and not value.strip()
            and info.field_name not in {"webhook_allow_nets", "trusted_proxies"}
        ):
            return cls.model_fields[info.field_name].default
        return value

    @field_validator("jwt_algorithm")
    @classmethod
    def _symmetric(cls, value: str) -> str:
        if value not in {"HS256", "HS384", "HS512"}:
            raise ValueError("must be HS256, HS384 or HS512")
        return value

    @field_validator("telegram_dc")
    @classmethod
    def _dc_form(cls, value: str | None) -> str | None:
        if value is None:
            return value
        if not re.fullmatch(r"\d{1,5}@(\[[0-9a-fA-F:]+\]|[^\s:@/]+):\d{1,5}", value):
            raise ValueError("must be id@host:port")
        if not 0 < int(value.rpartition(":")[2]) <= 65535:
            raise ValueError("the port must be 1 to 65535")
        return value

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        """One that can't be sent to would be told in full by the exporter, whose lines are not ours to mask."""
        if value is not None and not _is_base_url(value):
            raise ValueError("must be like http://collector:4318")
        return value

    @field_validator("otel_exporter_otlp_headers")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _headers(value.get_secret_value())
        return value

    @field_validator("cors_origin")
    @classmethod
    def _origins(cls, value: str | None) -> str | None:
        for origin in _listed(value or ""):
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError("must be origins such as https://app.example.com (no path), or *")
        return value

    @field_validator("proxy_allow_nets", "trusted_proxies", "webhook_allow_nets")
    @classmethod
    def _networks(cls, value: str) -> str:
        networks(value)
        return value

    @property
    def otel_headers(self) -> dict[str, str]:
        """As OTEL_EXPORTER_OTLP_HEADERS has them."""
        given = self.otel_exporter_otlp_headers
        return {} if given is None else _headers(given.get_secret_value())

    @field_validator("database_url", "mongo_uri", mode="before")
    @classmethod
    def _unquoted(cls, value: object) -> object:
        """Files for `docker --env-file` are often written with quotes, which it passes on. No URL begins with one."""
        if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            return value[1:-1]
        return value

    @property
    def allowed_proxy_nets(self) -> tuple[Network, ...]:
        return networks(self.proxy_allow_nets)

    @property
    def allowed_webhook_nets(self) -> tuple[Network, ...]:
        return networks(self.webhook_allow_nets)

    @property
    def cors_origins(self) -> frozenset[str]:
        """The origins of CORS_ORIGIN, as browsers write them."""
        return frozenset(origin.lower() for origin in _listed(self.cors_origin or ""))

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        return networks(self.trusted_proxies)

    @property
    def database(self) -> str:
        """The database to use, as a URL; by default an SQLite file in the data directory."""
        if self.mongo_uri and self.database_url:
            raise SettingsError("MONGO_URI and DATABASE_URL are both set: set one of them")
        if self.mongo_uri:
            return _in_database(self.mongo_uri, self.mongo_db, always=True)
        if self.database_url and self.database_url.startswith("mongodb"):
            return _in_database(self.database_url, self.mongo_db, always=False)
        return self.database_url or f"file:{self.teleflow_data_dir / 'teleflow.db'}"


@dataclass(frozen=True, slots=True)
class Manager:
    """The program that started this one: where it hears of us, and after how many silent seconds it ends us."""

    address: str | None
    watchdog_s: float | None


def manager(environment: Mapping[str, str] | None = None) -> Manager:
    """As systemd says it of a service of `Type=notify`."""
    given = os.environ if environment is None else environment
    asked = given.get("WATCHDOG_USEC", "")
    mine = given.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    seconds = int(asked) / 1e6 if asked.isdigit() and int(asked) and mine else None
    return Manager(given.get("NOTIFY_SOCKET") or None, seconds)


def _in_database(uri: str, name: str, *, always: bool) -> str:
    """The MongoDB URL with the database's name in it. A name that is there already said who knows the password."""
    before, mark, rest = uri.partition("://")
    hosts, _, path = rest.partition("?")[0].partition("/")
    options = [option for option in rest.partition("?")[2].split("&") if option]
    if path and not always:
        return uri
    if path and not any(option.lower().startswith("authsource=") for option in options) and "@" in hosts:
        options.append(f"authSource={path}")
    elif not path and "@" in hosts and not any(option.lower().startswith("authsource=") for option in options):
        options.append("authSource=admin")  # what the driver took it for while no name stood there
    return f"{before}{mark}{hosts}/{name}" + ("?" + "&".join(options) if options else "")


def _is_base_url(value: str) -> bool:
    """What `/v1/traces` can be put behind."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"} and bool(host) and port != 0 and not re.search(r"[\s\x00-\x1f\x7f?#]", value)
    )


def _headers(value: str) -> dict[str, str]:
    """Those of `name=value, …`. Raises ValueError, without their values, for what no request can carry."""
    headers = {}
    for part in _listed(value):
        name, equals, given = part.partition("=")
        name, given = name.strip(), unquote(given.strip()).strip()
        if not (equals and _TOKEN.fullmatch(name)):
            raise ValueError("must be name=value, comma-separated")
        if re.search(r"[^\x20-\x7e\xa0-\xff]", given):
            raise ValueError("a value holds what a header can't")
        headers[name] = given
    return headers


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def adoption_key(settings: Settings) -> str | None:
    """The key that an older service sealed with: TELEFLOW_ADOPT_KEY, else the one that is set here."""
    from dotenv import dotenv_values

    given = {**dotenv_values(".env", encoding="utf-8"), **os.environ}.get("TELEFLOW_ADOPT_KEY")
    if given:
        return given
    own = settings.session_encryption_key
    return None if own is None else own.get_secret_value()


def load_settings(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read the environment over `.env` over `teleflow.toml`, then `overrides`. Of a given `environment`: only that.

    Raises SettingsError that names each bad variable, and what was meant by a TELEFLOW_* that there is not.
    """
    from dotenv import dotenv_values
    from pydantic import ValidationError

    try:
        if environment is None:
            named = {**dotenv_values(".env", encoding="utf-8"), **os.environ}
            _refuse_unknown(named)
            # An empty value is none, so the file has the say then.
            unset = {name.lower() for name, value in named.items() if not (value or "").strip()}
            given: dict[str, Any] = {
                name: value
                for name, value in _from_file(named.get("TELEFLOW_CONFIG")).items()
                if name in unset or name not in {one.lower() for one in named}
            }
            return Settings(**{**given, **overrides})
        _refuse_unknown(environment)
        given = {key.lower(): value for key, value in environment.items()}
        return Settings(**{"_env_file": None, **given, **overrides})
    except ValidationError as error:
        lines = [f"{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()]
        raise SettingsError("; ".join(lines)) from None
    except UnicodeDecodeError:
        raise SettingsError(".env: it is not in UTF-8") from None


def _from_file(path: str | None) -> dict[str, str]:
    """The settings file's values. One that is named must be there; the one in the working directory may be."""
    file = Path(path or SETTINGS_FILE)
    if not path and not file.exists():
        return {}
    try:
        return read_toml(file, Settings.model_fields.keys())
    except ValueError as error:
        raise SettingsError(str(error)) from None


_SERVICE_LINK = re.compile(
    r"TELEFLOW(_\w+)?_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def _is_a_service_link(name: str, value: str) -> bool:
    """Kubernetes tells each container of the services beside it, in variables that begin with their names.

    https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
    """
    if _SERVICE_LINK.fullmatch(name) is None:
        return False
    return not name.endswith("_PORT") or "_SERVICE_" in name or "://" in value or re.search(r"_\d+_", name) is not None


def _refuse_unknown(given: Mapping[str, str | None]) -> None:
    names = [name for name, value in given.items() if not _is_a_service_link(name, value or "")]
    settings = {name.upper() for name in Settings.model_fields}
    wrong = sorted(
        name for name in names if name.upper().startswith(PREFIX) and name.upper() not in settings | OTHER_VARIABLES
    )
    if wrong:
        known = sorted(settings | OTHER_VARIABLES)
        raise SettingsError(
            "; ".join(f"there is no variable {name}{meant(name, known, prefix=PREFIX)}" for name in wrong)
        )
