"""What a log line holds, and what it never holds. In a process of its own: logging is set up once for a process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
import structlog

from teleflow.kit import log
from teleflow.kit.tasks import Tasks

SAY = """
import sys, structlog
from teleflow.kit import log
log.configure(sys.argv[1], json=sys.argv[2] == "json")
logger = structlog.get_logger("x")
logger.debug("a.detail")
logger.info("send.accepted", job="job_1", password="hunter2", phone="+15550100001", text="private words", code="54321")
def deep(password, words):
    raise ValueError("boom")
try:
    deep("hunter2", "private words")
except ValueError:
    logger.error("task.failed", exc_info=True)
"""


def said(level: str, form: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SAY, level, form], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "", "standard output belongs to what the program answers"
    return done.stderr.splitlines()


@pytest.mark.parametrize("form", ["json", "people"])
def test_secrets_and_texts_never_reach_the_log_not_even_in_a_traceback(form: str) -> None:
    text = "\n".join(said("debug", form))
    assert "boom" in text
    for hidden in ("hunter2", "private words", "54321", "+15550100001"):
        assert hidden not in text
    assert "…001" in text or "\\u2026001" in text


def test_machines_get_a_line_of_json_for_each_event() -> None:
    lines = [json.loads(line) for line in said("info", "json")]
    assert [line["event"] for line in lines] == ["send.accepted", "task.failed"]
    assert lines[0]["level"] == "info"
    assert lines[0]["timestamp"].endswith("Z")
    assert lines[1]["exception"][0]["exc_type"] == "ValueError"


def test_the_level_decides_what_is_said() -> None:
    assert [json.loads(line)["event"] for line in said("error", "json")] == ["task.failed"]
    assert len(said("debug", "json")) == 3


def test_a_log_that_can_not_be_written_stops_nobody() -> None:
    program = """
import sys, structlog
from teleflow.kit import log
log.configure("info", json=True)
sys.stderr.close()
structlog.get_logger("x").error("disk.full", exc_info=ValueError("x"))
print("went on")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "went on\n"


def test_what_libraries_say_is_a_line_of_json_too_without_the_values_of_variables() -> None:
    program = """
import logging
from teleflow.kit import log
log.configure("info", json=True)
def deep(password):
    raise ValueError("boom")
try:
    deep("hunter2")
except ValueError:
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application %s", 1)
logging.getLogger("x").info("nobody asked")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["event"], line["logger"], line["level"]) == ("library.said", "uvicorn.error", "error")
    assert line["said"] == "Exception in ASGI application 1"
    assert line["exception"][0]["exc_value"] == "boom"
    assert "hunter2" not in done.stderr


async def test_lines_of_a_request_tell_its_id_and_those_of_work_that_goes_on_not() -> None:
    seen: list[dict[str, object]] = []

    async def look() -> None:
        seen.append(structlog.contextvars.get_contextvars())

    async def request() -> None:
        log.telling("an id")
        await look()
        await Tasks("test").start(look(), "later")

    await asyncio.create_task(request())
    assert seen == [{"request_id": "an id"}, {}]
