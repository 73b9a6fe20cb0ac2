"""Every variable of the older services means what it meant; secrets are given strong, or made and kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from teleflow.config import SECRET_FIELDS, Secrets, Settings, load_settings
from teleflow.errors import SettingsError

STRONG = "q7Zt0aVb3LxR9mKs5WnE2yHc8UdJ4fGp"
OTHER = "Xw6Ry1Tn8Qe3Zu5Ai0So7Dp2Fg9Hj4Kl"
THIRD = "m3Nb8Vc1Xz6La4Sk9Dj2Fh7Gq5Wp0OeT"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's environment nor a `.env` that lies about has a say."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_set_is_the_documented_defaults() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port) == ("0.0.0.0", 8001)
    assert (settings.jwt_algorithm, settings.jwt_access_expire_minutes, settings.jwt_refresh_expire_days) == (
        "HS256",
        30,
        7,
    )
    assert (settings.admin_username, settings.admin_password, settings.password_min_length) == ("admin", None, 8)
    assert (settings.mongo_uri, settings.mongo_db) == (None, "telegram_server")
    assert settings.sessions_dir == Path("sessions")
    assert settings.teleflow_data_dir == Path("data")
    assert (settings.rate_limit_max, settings.rate_limit_window_ms) == (100, 60_000)
    assert (settings.log_level, settings.cors_origin) == ("info", None)


@pytest.mark.parametrize(
    ("name", "given", "means"),
    [
        ("HOST", "127.0.0.1", "127.0.0.1"),
        ("PORT", "3000", 3000),
        ("JWT_ALGORITHM", "HS512", "HS512"),
        ("JWT_ACCESS_EXPIRE_MINUTES", "5", 5),
        ("JWT_REFRESH_EXPIRE_DAYS", "1", 1),
        ("ADMIN_USERNAME", "root", "root"),
        ("MONGO_DB", "mine", "mine"),
        ("SESSIONS_DIR", "/s", Path("/s")),
        ("NODE_ENV", "development", "development"),
        ("DATABASE_URL", "file:./teleflow.db", "file:./teleflow.db"),
        ("TELEGRAM_API_ID", "12345", 12345),
        ("LOG_LEVEL", "debug", "debug"),
        ("CORS_ORIGIN", "*", "*"),
        ("RATE_LIMIT_MAX", "0", 0),
        ("RATE_LIMIT_WINDOW_MS", "1000", 1000),
        ("TELEGRAM_DC", "2@127.0.0.1:443", "2@127.0.0.1:443"),
        ("TELEGRAM_DC", "2@[::1]:443", "2@[::1]:443"),
        ("SEND_WAIT_SECONDS", "5", 5),
    ],
)
def test_a_variable_is_honoured(name: str, given: str, means: object) -> None:
    assert getattr(load_settings({name: given}), name.lower()) == means


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("JWT_ALGORITHM", "none"),
        ("JWT_ALGORITHM", "RS256"),
        ("JWT_ACCESS_EXPIRE_MINUTES", "0"),
        ("JWT_ACCESS_EXPIRE_MINUTES", "inf"),
        ("JWT_REFRESH_EXPIRE_DAYS", "1e300"),
        ("TELEGRAM_API_ID", "twelve"),
        ("TELEGRAM_DC", "127.0.0.1:443"),
        ("TELEGRAM_DC", "2@host"),
        ("TELEGRAM_DC", "2@host:65536"),
        ("RATE_LIMIT_MAX", "-1"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, given: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings({name: given})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://someone:hunter2@collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://someone:hunter2@collector:port"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://someone:hunter 2@collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?key=hunter2"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "hunter2@collector:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x key=hunter2"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=one%0d%0ahunter2"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=%E2%82%AChunter2"),
    ],
)
def test_a_collector_that_can_not_be_asked_is_refused_and_its_secrets_are_not_told(name: str, given: str) -> None:
    """The exporter's own lines would hold what it could not send."""
    with pytest.raises(SettingsError, match=name) as refused:
        load_settings({name: given})
    assert "hunter" not in str(refused.value)


def test_a_collectors_headers_are_those_that_are_sent() -> None:
    given = load_settings({"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20YTpi%3D%0A, x-key=%20one"})
    assert given.otel_headers == {"authorization": "Basic YTpi=", "x-key": "one"}


def test_a_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=3000\nADMIN_USERNAME=filed\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("ADMIN_USERNAME", "shell")
    settings = load_settings()
    assert (settings.port, settings.admin_username) == (3000, "shell")


@pytest.mark.parametrize("name", ["TELEGRAM_API_ID", "JWT_SECRET", "PORT", "CORS_ORIGIN"])
def test_an_empty_variable_is_an_unset_one(name: str) -> None:
    assert getattr(load_settings({name: ""}), name.lower()) == getattr(load_settings({}), name.lower())


def test_which_store() -> None:
    assert load_settings({"TELEFLOW_DATA_DIR": "/d"}).database == "file:/d/teleflow.db"
    assert load_settings({"DATABASE_URL": "file:./x.db"}).database == "file:./x.db"
    assert load_settings({"DATABASE_URL": '"file:./x.db"'}).database == "file:./x.db", "as docker --env-file gives it"
    assert load_settings({"MONGO_URI": "mongodb://h"}).database == "mongodb://h/telegram_server"
    assert load_settings({"MONGO_URI": "mongodb://u:p@h/admin?w=1", "MONGO_DB": "mine"}).database == (
        "mongodb://u:p@h/mine?w=1&authSource=admin"
    )
    assert load_settings({"MONGO_URI": "mongodb://u:p@h"}).database == (
        "mongodb://u:p@h/telegram_server?authSource=admin"
    )
    assert load_settings({"DATABASE_URL": "mongodb://h/x?a=b"}).database == "mongodb://h/x?a=b"
    assert load_settings({"DATABASE_URL": "mongodb://h"}).database == "mongodb://h/telegram_server"
    both = load_settings({"MONGO_URI": "mongodb://h", "DATABASE_URL": "file:./x.db"})
    with pytest.raises(SettingsError, match=r"MONGO_URI and DATABASE_URL"):
        _ = both.database


def test_unset_secrets_are_made_once_and_kept_for_their_owner_only(tmp_path: Path) -> None:
    settings = load_settings({"TELEFLOW_DATA_DIR": str(tmp_path / "data")})
    first, second = Secrets.load(settings), Secrets.load(settings)
    made = [getattr(first, name) for name in SECRET_FIELDS]
    assert made == [getattr(second, name) for name in SECRET_FIELDS]
    assert len(set(made)) == len(SECRET_FIELDS)
    assert all(len(value) >= 32 for value in made)
    files = list((tmp_path / "data" / "secrets").iterdir())
    assert len(files) == len(SECRET_FIELDS)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize("name", ["JWT_SECRET", "JWT_REFRESH_SECRET", "SESSION_ENCRYPTION_KEY", "API_KEY"])
@pytest.mark.parametrize(
    "weak", ["Zq9", "change-me-change-me-change-me-change-me", "your-secret-key-your-secret-key-123456", "a" * 40]
)
def test_a_weak_secret_refuses_the_start_and_is_named_but_not_told(name: str, weak: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        Secrets.load(load_settings({"TELEFLOW_DATA_DIR": str(tmp_path), name: weak}))
    assert weak not in refused.value.message


def test_equal_secrets_refuse_the_start_and_both_are_named(tmp_path: Path) -> None:
    settings = load_settings({"TELEFLOW_DATA_DIR": str(tmp_path), "JWT_SECRET": STRONG, "JWT_REFRESH_SECRET": STRONG})
    with pytest.raises(SettingsError, match=r"JWT_REFRESH_SECRET and JWT_SECRET"):
        Secrets.load(settings)


def test_given_secrets_are_the_ones_in_force(tmp_path: Path) -> None:
    given = {"JWT_SECRET": STRONG, "JWT_REFRESH_SECRET": OTHER, "SESSION_ENCRYPTION_KEY": THIRD}
    secrets = Secrets.load(load_settings({"TELEFLOW_DATA_DIR": str(tmp_path), **given}))
    assert (secrets.jwt_secret, secrets.jwt_refresh_secret, secrets.session_encryption_key) == (STRONG, OTHER, THIRD)
    assert list(tmp_path.iterdir()) == []


def test_secrets_do_not_print() -> None:
    settings = load_settings({"JWT_SECRET": STRONG, "ADMIN_PASSWORD": OTHER, "TELEGRAM_API_HASH": THIRD})
    assert not any(secret in repr(settings) for secret in (STRONG, OTHER, THIRD))
    for name in ("DATABASE_URL", "MONGO_URI"):
        assert STRONG not in repr(load_settings({name: f"scheme://user:{STRONG}@host/name"}))


def test_what_kubernetes_tells_of_a_service_of_this_name_is_no_mistake() -> None:
    told = {
        "TELEFLOW_SERVICE_HOST": "10.0.0.11",
        "TELEFLOW_SERVICE_PORT": "8001",
        "TELEFLOW_SERVICE_PORT_HTTP": "8001",
        "TELEFLOW_PORT": "tcp://10.0.0.11:8001",
        "TELEFLOW_PORT_8001_TCP": "tcp://10.0.0.11:8001",
        "TELEFLOW_PORT_8001_TCP_PROTO": "tcp",
        "TELEFLOW_PORT_8001_TCP_PORT": "8001",
        "TELEFLOW_PORT_8001_TCP_ADDR": "10.0.0.11",
        "TELEFLOW_DB_SERVICE_HOST": "10.0.0.12",
        "TELEFLOW_DB_PORT": "tcp://10.0.0.12:5432",
    }
    load_settings(told)
    for name, value in (("TELEFLOW_PORT", "8001"), ("TELEFLOW_HOST", "10.0.0.11"), ("TELEFLOW_SERVICE", "x")):
        with pytest.raises(SettingsError, match=f"there is no variable {name}"):
            load_settings({name: value})


@pytest.mark.parametrize(
    "name", ["AUDIT_RETENTION_DAYS", "LOG_RETENTION_DAYS", "EVENT_RETENTION_DAYS", "EVENT_RETENTION_MOST"]
)
def test_what_is_kept_can_be_counted_by_a_database(name: str) -> None:
    """A number beyond its 64 bits would end the sweep, and nothing would ever go."""
    load_settings({name: "1000000"})
    with pytest.raises(SettingsError) as refused:
        load_settings({name: "99999999999999999999"})
    assert refused.value.message.startswith(name)


def test_a_file_of_variables_that_is_no_text_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes("HOST=x".encode("utf-16"))
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert refused.value.message == ".env: it is not in UTF-8"
