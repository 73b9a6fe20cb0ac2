"""Where a setting may stand, who wins, and what a name that there is not gets for an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.generate import OLDER
from teleflow.config import Settings, load_settings
from teleflow.errors import SettingsError


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in (*Settings.model_fields, "teleflow_config"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_environment_wins_over_env_and_that_over_toml(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "teleflow.toml").write_text('port = 1001\nhost = "127.0.0.1"\nlog_level = "debug"\n')
    (folder / ".env").write_text("PORT=1002\nHOST=127.0.0.2\n")
    monkeypatch.setenv("PORT", "1003")
    settings = load_settings()
    assert (settings.port, settings.host, settings.log_level) == (1003, "127.0.0.2", "debug")


def test_an_empty_value_leaves_the_say_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "teleflow.toml").write_text("port = 1001\n")
    monkeypatch.setenv("PORT", "")
    assert load_settings().port == 1001


def test_what_a_command_says_wins_over_the_file(folder: Path) -> None:
    (folder / "teleflow.toml").write_text('database_url = "file:./a.db"\n')
    assert load_settings(database_url=None).database_url is None


def test_toml_has_numbers_lists_and_names_in_any_case(folder: Path) -> None:
    (folder / "teleflow.toml").write_text(
        'PORT = 1001\nSend_Wait_Seconds = 2.5\ncors_origin = ["https://a.example", "https://b.example"]\n'
    )
    settings = load_settings()
    assert (settings.port, settings.send_wait_seconds) == (1001, 2.5)
    assert settings.cors_origins == {"https://a.example", "https://b.example"}


def test_another_file_may_be_named_and_must_be_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other.toml").write_text("port = 1001\n")
    monkeypatch.setenv("TELEFLOW_CONFIG", "other.toml")
    assert load_settings().port == 1001
    monkeypatch.setenv("TELEFLOW_CONFIG", "none.toml")
    with pytest.raises(SettingsError, match=r"none\.toml can't be read"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot = 1", "there is no setting prot: did you mean port?"),
        ("something_else_entirely = 1", "there is no setting something_else_entirely"),
        ("port = ", "is not TOML"),
        ("[port]\na = 1", "port must be a text, a number or a list of them"),
        ("port = 1979-05-27", "port must be a text, a number or a list of them"),
        ("port = [[1]]", "port must be a text, a number or a list of them"),
        ('port = "many"', "PORT: "),
    ],
)
def test_a_file_with_a_mistake_refuses_the_start(text: str, told: str, folder: Path) -> None:
    (folder / "teleflow.toml").write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TELEFLOW_DATADIR", "TELEFLOW_DATA_DIR"),
        ("TELEFLOW_PORT", "PORT"),
        ("TELEFLOW_JWT_SECRET", "JWT_SECRET"),
        ("TELEFLOW_PASWORD", "TELEFLOW_PASSWORD"),
        ("teleflow_data_dirr", "TELEFLOW_DATA_DIR"),
    ],
)
def test_a_name_of_ours_that_there_is_not_refuses_the_start_with_a_suggestion(
    name: str, meant: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=f"there is no variable {name}: did you mean {meant}\\?"):
        load_settings()
    monkeypatch.delenv(name)
    (folder / ".env").write_text(f"{name}=1\n")
    with pytest.raises(SettingsError, match=f"did you mean {meant}\\?"):
        load_settings()


def test_a_name_that_is_near_nothing_is_refused_without_a_suggestion() -> None:
    with pytest.raises(SettingsError, match=r"there is no variable TELEFLOW_XYZZYPLUGH$"):
        load_settings({"TELEFLOW_XYZZYPLUGH": "1"})


def test_other_peoples_variables_are_theirs() -> None:
    load_settings({"POSTGRES_PASSWORD": "x", "COMPOSE_PROFILES": "postgres"})


def test_the_table_of_the_older_services_names_settings_that_there_are() -> None:
    names = [name for name, _, _ in OLDER]
    assert len(names) == len(set(names)) == 22
    assert {name.lower() for name in names} <= set(Settings.model_fields)
