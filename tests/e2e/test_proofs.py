"""The proofs themselves: their clocks and tables tell the truth, and a broken service breaks them."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from pathlib import Path

import pytest
from telethon.tl import functions, types

import teleflow
from proofs import frame
from proofs.bench import invoke
from proofs.lag import Lag, LagSampler
from proofs.model.play import Scale
from proofs.outcome import Outcome
from proofs.prove import backup, keys, kill, lost_reply, sandbox_methods, sandbox_model, streams
from proofs.prove.outage_virtual import busiest_second
from proofs.virtual import VirtualLoop, run
from teleflow.sandbox.rpc import register


def broken(folder: Path, module: str, right: str, wrong: str) -> str:
    """A copy of the sources in which one thing is wrong."""
    package = Path(teleflow.__file__).parent
    shutil.copytree(package, folder / "teleflow", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "teleflow" / module
    text = file.read_text("utf-8")
    assert text.count(right) == 1
    file.write_text(text.replace(right, wrong), "utf-8")
    return str(folder)


def failed(outcome: Outcome) -> set[str]:
    return {row.what.strip() for row in outcome.rows if row.holds is False}


@pytest.mark.slow
async def test_a_gateway_that_draws_random_ids_anew_does_not_survive_the_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "SendText(peer, content, int.from_bytes(__import__('os').urandom(7), 'big'), "
    sources = broken(tmp_path, "outbox/sender.py", "SendText(peer, content, job.random_id, ", wrong)
    monkeypatch.setenv("PROOF_SOURCES", sources)
    outcome = await kill.run(kill.Scale(sends=160, kills=5, users=3, workers=16), 1)
    assert "texts twice in the ledger" in failed(outcome)


@pytest.mark.slow
async def test_a_stream_that_tells_some_events_again_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "place.number = found[-1].number - (len(found) > 1)\n"
    sources = broken(tmp_path, "api/v1/streaming.py", "place.number = found[-1].number\n", wrong)
    monkeypatch.setenv("PROOF_SOURCES", sources)
    outcome = await streams.run(streams.Scale(readers=8, events=150, kills=1, stay_s=0.5), 1)
    assert "events that a reader saw twice" in failed(outcome)


@pytest.mark.slow
async def test_a_repeat_with_another_random_id_does_not_survive_lost_replies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "left = True\n                tl.random_id += 1\n                patience = min("
    sources = broken(tmp_path, "telegram/calls.py", "left = True\n                patience = min(", wrong)
    monkeypatch.setenv("PROOF_SOURCES", sources)
    outcome = await lost_reply.run(lost_reply.Scale(sends=3, sessions=3), 1)
    assert "messages not there exactly once" in failed(outcome)


@pytest.mark.slow
async def test_a_rotation_that_strikes_the_old_key_off_too_early_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = "    await _seal_all_anew(store, report, at.clock, tell)\n"
    monkeypatch.setenv("PROOF_SOURCES", broken(tmp_path, "ops/rotation.py", right, ""))
    outcome = await keys.run(keys.Scale(peers=300, kills=1, users=1), 1)
    assert {"values not under the newest key", "values that do not open"} <= failed(outcome)


@pytest.mark.slow
async def test_a_backup_that_gets_its_name_too_early_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = "        _fill(source, part, descriptor, tell)\n"
    wrong = "        os.link(part, to); part.unlink(); _fill(source, to, descriptor, tell); return to.stat().st_size\n"
    monkeypatch.setenv("PROOF_SOURCES", broken(tmp_path, "storage/sql/sqlite/backup.py", right, wrong))
    outcome = await backup.run(backup.Scale(events=20_000, kills=2, users=1), 1)
    assert "of them left a half one under its name" in failed(outcome)


async def test_a_method_without_a_case_and_one_with_a_wrong_answer_break_the_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def elsewhere(_desk: object, _caller: object, _request: object) -> object:
        return types.NearestDc("", 77, 77)

    whole = await sandbox_methods.run(sandbox_methods.Scale("help."), 1)
    told = failed(whole)
    assert "auth.sendCode: no case" in told
    assert not any(each.startswith("help.") for each in told)
    monkeypatch.setitem(register.METHODS, functions.help.GetNearestDcRequest, elsewhere)
    spoilt = failed(await sandbox_methods.run(sandbox_methods.Scale("help."), 1))
    assert any("a_stranger_learns_where_it_is: Wrong: value: 77 where 2 is due" in each for each in spoilt)


@pytest.mark.slow
async def test_a_sandbox_that_counts_unread_messages_wrongly_is_unlike_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = "sum(1 for number in ids[start:] if"
    module = "sandbox/world/channel_reads.py"
    monkeypatch.setenv("PROOF_SOURCES", broken(tmp_path, module, right, right.replace("start:", "start + 1 :")))
    outcome = await sandbox_model.run(Scale(deeds=200, look_every=50, away_every=40, later_every=150, history=50), 1)
    assert "divergences" in failed(outcome)


def test_a_virtual_hour_takes_no_time_and_timers_ring_in_order() -> None:
    async def story(loop: VirtualLoop) -> tuple[float, list[float]]:
        rang: list[float] = []

        async def at(seconds: float) -> None:
            await asyncio.sleep(seconds)
            rang.append(seconds)

        loop.begin_jumping()
        began = loop.time()
        await asyncio.gather(*(at(seconds) for seconds in (3600, 0.5, 60)))
        return loop.time() - began, rang

    began = time.monotonic()
    passed, rang = run(story)
    assert passed == pytest.approx(3600, abs=1e-3)
    assert rang == [0.5, 60, 3600]
    assert time.monotonic() - began < 5


def test_virtual_time_stands_while_sockets_talk() -> None:
    async def story(loop: VirtualLoop) -> float:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                writer.write(line)
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        loop.begin_jumping()
        began = loop.time()
        async with asyncio.timeout(10):
            for _ in range(200):
                writer.write(b"hello\n")
                await reader.readline()
        passed = loop.time() - began
        writer.close()
        server.close()
        return passed

    assert run(story) < 1


async def test_a_blocked_loop_is_seen_with_all_the_samples_it_missed(tmp_path: Path) -> None:
    lag = Lag(tmp_path / "lag")
    sampler = LagSampler(tmp_path / "lag", 0.005)
    sampler.start()
    await asyncio.sleep(0.02)
    lag.mark()
    until = time.thread_time() + 0.1
    while time.thread_time() < until:  # work, not sleep: waiting for a core is not the loop's doing
        pass
    await asyncio.sleep(0.02)
    assert lag.quantile_ms(1.0) >= 90
    assert lag.quantile_ms(0.5) >= 10


def test_the_busiest_second_slides() -> None:
    assert busiest_second([0.0, 0.5, 0.9, 1.2, 1.3, 5.0]) == 4
    assert busiest_second([]) == 0


def test_a_broken_bound_ends_the_command_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def measured(_scale: object, _seed: int) -> Outcome:
        outcome = Outcome()
        outcome.at_most("late", 50, 51, "ms")
        outcome.at_least("fast", 10, 11, "a second")
        outcome.notes.append("n" * 500)
        return outcome

    monkeypatch.setattr(kill, "run", measured)
    assert frame.main(["prove", "kill", "--seed", "7"]) == 1
    told = capsys.readouterr().out
    assert "short form, seed 7" in told
    assert "51 ms" in told
    wide = [line for line in told.splitlines() if len(line) > 200]
    assert [len(line) for line in wide] == [506, 508], "a note, and no row as wide; the note again at the end"
    assert wide[1].startswith("! kill: ")
    assert "\n! kill: " in told.partition("0 of 1 hold")[2], "what broke is told once more, where everything ends"
    assert told.index("fast") < told.index("nnn")
    assert "Broken: kill." in told
    assert frame.main(["prove", "nothing of the kind"]) == 2


@pytest.mark.parametrize(
    ("lost", "late", "code", "runs"),
    [
        pytest.param([0, 0], [51, 49], 0, 2, id="a figure that is out once is told"),
        pytest.param([0, 0], [51, 51], 1, 2, id="a figure that is out twice breaks it"),
        pytest.param([1, 0], [49, 49], 1, 1, id="a count is not looked at again"),
        pytest.param([1, 0], [51, 49], 1, 1, id="nor is one beside a figure"),
    ],
)
def test_only_figures_get_a_second_look(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lost: list[int],
    late: list[float],
    code: int,
    runs: int,
) -> None:
    done = 0

    async def measured(_scale: object, _seed: int) -> Outcome:
        nonlocal done
        outcome = Outcome()
        outcome.exactly("lost", 0, lost[done])
        outcome.at_most("late", 50, late[done], "ms")
        done += 1
        return outcome

    monkeypatch.setattr(kill, "run", measured)
    assert frame.main(["prove", "--second-look", "kill"]) == code
    assert done == runs
    told = "! held only at the second look: kill: late: ≤ 50 ms, measured 51 ms"
    assert (told in capsys.readouterr().out) == (code == 0)


@pytest.mark.parametrize(("late", "code"), [(49, 0), (51, 1)])
def test_a_bench_is_measured_once_and_judged(monkeypatch: pytest.MonkeyPatch, late: float, code: int) -> None:
    rounds: list[int] = []

    async def measured(count: int) -> Outcome:
        rounds.append(count)
        outcome = Outcome()
        outcome.at_most("late", 50, late, "ms")
        return outcome

    monkeypatch.setattr(invoke, "run", measured)
    assert frame.main(["bench", "--rounds", "2", "invoke"]) == code
    assert rounds == [2]


def test_the_gate_runs_every_proof() -> None:
    gate = (Path(__file__).resolve().parents[2] / ".ci" / "run").read_text("utf-8")
    assert [name for name in frame.PROOFS if not re.search(rf"(?<![\w-]){name}(?![\w-])", gate)] == []
