"""run.py on its own: what it makes, what it keeps, and what it says when it can't.

The installer is a stand-in named `uv` that makes a bare environment and links the project in, so these tests
need no network; whether the real installers take the lists is shown by every clean checkout.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = """#!{python}
import os, pathlib, subprocess, sys, time
here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
if (here / "offline").exists():
    sys.exit("no way to the index")
if sys.argv[1] == "venv":
    sys.exit(subprocess.call([sys.executable, "-m", "venv", "--without-pip", sys.argv[-1]]))
if (here / "hang").exists():
    (here / "hanging").touch()
    sys.stdin.read()
python = pathlib.Path(sys.argv[sys.argv.index("--python") + 1])
if "-e" in sys.argv:
    version = "python%d.%d" % sys.version_info[:2]
    packages = python.parent.parent / "lib" / version / "site-packages"
    (packages / "project.pth").write_text(sys.argv[sys.argv.index("-e") + 1] + "/src")
"""
PROGRAM = """
import os, sys
print(sys.argv[1:], os.getcwd(), sys.prefix)
sys.exit(7 if "seven" in sys.argv else 0)
"""


class Checkout:
    """A checkout in miniature, in a folder whose name has a space."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        (self.root / "src" / "teleflow").mkdir(parents=True)
        shutil.copy(ROOT / "run.py", self.root)
        for name in ("pyproject.toml", "requirements.txt", "requirements-dev.txt"):
            (self.root / name).write_text("")
        (self.root / "src" / "teleflow" / "__init__.py").write_text("")
        (self.root / "src" / "teleflow" / "__main__.py").write_text(PROGRAM)
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "uv").write_text(UV.format(python=sys.executable))
        (self.bin / "uv").chmod(0o755)
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.root / "run.py"), *arguments],
            cwd=self.elsewhere,
            env={"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": "/nowhere", "PYTHONPATH": "/not/ours"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def installs(self) -> int:
        calls = self.bin / "calls"
        return calls.read_text().count("--require-hashes") if calls.exists() else 0

    def flag(self, name: str) -> Path:
        return self.bin / name


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        os.sched_yield()


def test_without_arguments_it_is_the_demo_in_an_environment_of_its_own(checkout: Checkout) -> None:
    code, out, err = checkout.run()
    assert code == 0, err
    assert out == f"['demo'] {checkout.elsewhere} {checkout.root / '.venv'}\n"


def test_arguments_and_exit_codes_pass_through(checkout: Checkout) -> None:
    code, out, _err = checkout.run("user", "seven", "--name", "a b")
    assert code == 7
    assert out.startswith("['user', 'seven', '--name', 'a b']")


def test_a_second_start_installs_nothing_and_says_nothing(checkout: Checkout) -> None:
    checkout.run()
    _code, _out, err = checkout.run()
    assert checkout.installs == 1
    assert err == ""


def test_a_changed_list_is_installed_again_in_place(checkout: Checkout) -> None:
    checkout.run()
    kept = checkout.root / ".venv" / "kept"
    kept.touch()
    (checkout.root / "requirements.txt").write_text("# changed\n")
    code, _out, _err = checkout.run()
    assert code == 0
    assert checkout.installs == 2
    assert kept.exists()


def kill_while_installing(checkout: Checkout) -> None:
    checkout.flag("hang").touch()
    process = checkout.start()
    wait_for(checkout.flag("hanging"), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    checkout.flag("hang").unlink()


def test_an_interrupted_first_start_is_begun_again(checkout: Checkout) -> None:
    kill_while_installing(checkout)
    half_made = checkout.root / ".venv" / "half-made"
    half_made.touch()
    code, _out, err = checkout.run()
    assert code == 0, err
    assert not half_made.exists()


def test_an_environment_whose_python_does_not_start_is_made_anew(checkout: Checkout) -> None:
    broken = checkout.root / ".venv" / "bin"
    broken.mkdir(parents=True)
    (broken / "python").write_text("")
    code, _out, err = checkout.run()
    assert code == 0, err


def test_an_environment_made_by_hand_is_kept_even_when_filling_it_was_interrupted(checkout: Checkout) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout.root / ".venv"], check=True)
    by_hand = checkout.root / ".venv" / "by-hand"
    by_hand.touch()
    kill_while_installing(checkout)
    code, _out, err = checkout.run()
    assert code == 0, err
    assert by_hand.exists()


def test_two_at_once_set_up_once(checkout: Checkout) -> None:
    checkout.flag("hang").touch()
    first = checkout.start()
    wait_for(checkout.flag("hanging"), first)
    checkout.flag("hang").unlink()
    second = checkout.start()
    assert second.stderr is not None
    assert "another start is setting up" in second.stderr.readline()
    first.communicate(timeout=60)
    second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert checkout.installs == 1


def test_an_installer_that_outlives_its_run_is_waited_for(checkout: Checkout) -> None:
    checkout.flag("hang").touch()
    first = checkout.start()
    wait_for(checkout.flag("hanging"), first)
    checkout.flag("hang").unlink()
    first.kill()
    first.wait()
    second = checkout.start()
    assert second.stderr is not None
    assert "another start is setting up" in second.stderr.readline()
    first.communicate()  # lets go of the installer
    second.communicate(timeout=60)
    assert second.returncode == 0


def test_no_way_to_an_index_is_a_sentence_and_not_a_traceback(checkout: Checkout) -> None:
    checkout.flag("offline").touch()
    # The other installer, pip, must not reach an index either.
    checkout.root.joinpath("requirements.txt").write_text("no-such-thing==1 --hash=sha256:" + "0" * 64 + "\n")
    process = subprocess.run(
        [sys.executable, str(checkout.root / "run.py")],
        env={"PATH": f"{checkout.bin}:/usr/bin:/bin", "HOME": "/nowhere", "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 1
    assert "no way to a package index" in process.stderr
    assert "Traceback" not in process.stderr
    assert not (checkout.root / ".venv").exists()


def test_a_failed_update_leaves_the_environment_standing(checkout: Checkout) -> None:
    checkout.run()
    checkout.flag("offline").touch()
    (checkout.root / "requirements.txt").write_text("# changed\n")
    code, _out, _err = checkout.run()
    assert code == 1
    checkout.flag("offline").unlink()
    code, _out, _err = checkout.run()
    assert code == 0


def test_an_old_python_gets_a_sentence(checkout: Checkout) -> None:
    old = """
import runpy, sys
sys.version_info = (3, 9, 2)
sys.argv = ["run.py"]
runpy.run_path("run.py", run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", old],
        cwd=checkout.root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this is 3.9.2" in done.stderr
    assert "Traceback" not in done.stderr
