"""The files that the service is run by: read as their programs read them, and held to what we promise of them."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofs.image import dockerfile
from teleflow.config import OTHER_VARIABLES, PREFIX, Settings
from tests.arch.sources import ROOT

STAGES = dockerfile.read(ROOT / "Dockerfile")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
STOP = Settings.model_fields["stop_within_seconds"].default
VARIABLES = {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(
    ("schema", "file"),
    [("compose-spec", "docker-compose.yml"), ("github-workflows", ".github/workflows/release.yml")],
)
def test_a_file_keeps_to_the_schema_of_its_program(schema: str, file: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", ROOT / file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_nobody_special_with_a_health_check_and_its_data_in_a_volume() -> None:
    final = STAGES[-1]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", final.last("USER").text)
    assert final.steps.index(final.last("USER")) > final.steps.index(final.last("RUN"))
    assert final.last("VOLUME").words() == ["/app/data"]
    assert final.last("WORKDIR").text == "/app/data"
    assert final.last("HEALTHCHECK").text.endswith('CMD ["teleflow", "health"]')
    assert (final.last("ENTRYPOINT").text, final.last("CMD").text) == ('["teleflow"]', '["serve"]')
    assert final.last("EXPOSE").text == str(Settings.model_fields["port"].default)


def test_the_image_is_built_from_locked_packages_and_pinned_bases() -> None:
    assert all(re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*", stage.base) for stage in STAGES)
    runs = [step.text for stage in STAGES for step in stage.all("RUN")]
    installs = [one for run in runs for one in run.split("&&") if "pip" in one and " install " in one]
    assert installs
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    for text in runs + [step.text for stage in STAGES for step in stage.steps]:
        assert not re.search(r"--(extra-)?index-url|curl|wget|https?://(?!github)|apt-get", text), text


def test_no_secret_is_baked_into_the_image() -> None:
    named = {name for stage in STAGES for step in stage.all("ENV") for name in step.pairs()}
    assert not {name for name in named if re.search("SECRET|PASSWORD|TOKEN|KEY|HASH", name)}
    assert {name for name in named if name.startswith(PREFIX)} <= VARIABLES


def test_only_what_the_image_is_made_of_reaches_its_builder() -> None:
    lines = [one for one in (ROOT / ".dockerignore").read_text().splitlines() if one and not one.startswith("#")]
    copied = {
        name for step in STAGES[0].all("COPY") for name in step.words()[:-1] if not step.text.startswith("--from")
    }
    assert lines[0] == "*"
    assert {one.removeprefix("!") for one in lines if one.startswith("!")} == copied


def test_compose_runs_one_node_on_sqlite_and_databases_by_profile() -> None:
    services = COMPOSE["services"]
    alone = [name for name, service in services.items() if "profiles" not in service]
    assert alone == ["teleflow"]
    assert {one for service in services.values() for one in service.get("profiles", [])} == {"postgres", "mongodb"}
    assert "--replSet" in services["mongo"]["command"]
    assert "rs.initiate" in services["mongo"]["healthcheck"]["test"][-1]
    for name, service in services.items():
        assert name == "teleflow" or re.search(r":\d", service["image"]), "an image has a version"
        assert name == "teleflow" or "ports" not in service, "a database is nobody's but the service's"


def test_compose_names_only_what_it_declares() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        named = {one.partition(":")[0] for one in service.get("volumes", [])}
        assert {one for one in named if "/" not in one} <= set(COMPOSE["volumes"])
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
        assert all(services[one].get("healthcheck") for one in service.get("depends_on", {}))
        # A database whose profile is off must not hold the service back.
        assert all(one["required"] is False for one in service.get("depends_on", {}).values())


def test_compose_gives_the_service_only_what_it_needs() -> None:
    service = COMPOSE["services"]["teleflow"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert float(service["stop_grace_period"].removesuffix("s")) > STOP
    assert set(service["environment"]) <= VARIABLES
    # What compose reads from .env reaches the service too, where an unknown TELEFLOW_ name refuses the start.
    asked = re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text())
    assert not {name for name in asked if name.startswith(PREFIX)} - VARIABLES


def test_supervisor_waits_for_the_stop() -> None:
    read = configparser.ConfigParser(interpolation=None)
    read.read(ROOT / "supervisor.conf")
    program = read["program:teleflow"]
    assert program["command"].endswith("/teleflow serve")
    assert (program["stopsignal"], program["user"], program["autorestart"]) == ("TERM", "teleflow", "true")
    assert float(program["stopwaitsecs"]) > STOP


def test_the_unit_is_notified_waits_for_the_stop_and_is_hardened() -> None:
    lines = [one for one in (ROOT / "teleflow.service").read_text().splitlines() if re.match(r"\w+=", one)]
    unit = dict(line.split("=", 1) for line in lines)
    assert (unit["Type"], unit["DynamicUser"], unit["ProtectSystem"]) == ("notify", "yes", "strict")
    assert (unit["NoNewPrivileges"], unit["CapabilityBoundingSet"]) == ("yes", "")
    assert float(unit["TimeoutStopSec"]) > STOP
    assert int(unit["LimitNOFILE"]) >= 4096
    named = {word.partition("=")[0] for word in unit["Environment"].split()}
    assert {name for name in named if name.startswith(PREFIX)} <= VARIABLES


def test_systemd_itself_takes_the_unit_where_it_is_here(tmp_path: Path) -> None:
    """Without systemd there is no judge but the test above; with it, every directive is one of its own."""
    judge = shutil.which("systemd-analyze")
    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", (ROOT / "teleflow.service").read_text())
    (tmp_path / "teleflow.service").write_text(text)
    if judge is not None:
        done = subprocess.run(
            [judge, "verify", tmp_path / "teleflow.service"], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert "[Install]\nWantedBy=multi-user.target" in text


def test_a_release_is_tested_before_wheel_and_image_are_published() -> None:
    jobs = WORKFLOW["jobs"]
    assert {"test", "wheel", "publish-wheel", "image"} == set(jobs)
    assert (jobs["wheel"]["needs"], jobs["image"]["needs"], jobs["publish-wheel"]["needs"]) == (
        "test",
        ["test", "wheel"],
        "wheel",
    )
    assert WORKFLOW["permissions"] == {"contents": "read"}
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert all(re.search(r"@(v\d+|release/v\d+)$", one) for one in used)


def test_the_toml_example_names_every_setting_and_is_toml_when_uncommented() -> None:
    text = (ROOT / "teleflow.example.toml").read_text()
    lines = [line.removeprefix("#") for line in text.splitlines() if re.match(r"#\w+ = ", line)]
    assert set(tomllib.loads("\n".join(lines))) == set(Settings.model_fields)


def test_every_variable_of_the_command_line_is_known_to_the_settings() -> None:
    """One that is not would refuse the start of everything."""
    pattern = re.compile(r'envvar="(TELEFLOW_\w+)"')
    named = {
        one for path in (ROOT / "src/teleflow/cli").rglob("*.py") for one in pattern.findall(path.read_text("utf-8"))
    }
    assert named
    assert named <= OTHER_VARIABLES | VARIABLES


@pytest.mark.parametrize("text", ["FROM a:1\nADD x /", "RUN true\nFROM a:1", "FROM a:1\nRUN true \\"])
def test_what_the_reader_of_dockerfiles_does_not_know_is_no_step_that_was_skipped(text: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(text)
    with pytest.raises(ValueError, match="line "):
        dockerfile.read(tmp_path / "Dockerfile")
