"""The steps of a Dockerfile, carried out in a folder: each stage has a root of its own below it.

An absolute path of the image that a step of ours makes (`/app`, `/build`, `/wheels`) is meant below the stage's root;
every other one is this machine's, which stands for the base image. What the base image's tools do to users and owners
is not done here: it is told which number the service is to run as.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from proofs.image.dockerfile import Stage, Step

OWN = ("/app", "/build", "/wheels")
_PATHS = re.compile(r"(?<![\w.])(?:" + "|".join(re.escape(one) for one in OWN) + r")(?=[/\s:'\"]|$)")
STEP_WITHIN = 900.0
USER_TOOLS = ("groupadd", "useradd", "install")


class StepFailed(Exception):
    pass


class Builder:
    """One build. `context` is the folder with the sources, of which only what `.dockerignore` lets in is copied."""

    def __init__(self, context: Path, folder: Path, *, user: int) -> None:
        self._context = context
        self._folder = folder
        self._base = folder / "base"
        self._base.mkdir()
        self.python = base_python(user)
        # What the base image calls python: its pip is this machine's, whatever Python it belongs to.
        script = f'#!/bin/sh\n[ "$2" = pip ] && exec {sys.executable} "$@"\nexec {self.python} "$@"\n'
        (self._base / "python").write_text(script)
        (self._base / "python").chmod(0o755)
        self._roots: dict[str, Path] = {}
        self.told: list[tuple[str, float]] = []
        """Each step with its seconds."""

    def build(self, stage: Stage) -> Image:
        root = self._folder / (stage.name or "image")
        root.mkdir(parents=True)
        if stage.name:
            self._roots[stage.name] = root
        image = Image(root, stage)
        for step in stage.steps:
            began = time.monotonic()
            try:
                self._do(step, image)
            except StepFailed as error:
                raise StepFailed(f"line {step.line}, {step.name} {step.text[:80]}: {error}") from error
            self.told.append((f"{step.name} {step.text}", time.monotonic() - began))
        return image

    def _do(self, step: Step, image: Image) -> None:
        if step.name == "ENV":
            for name, value in step.pairs().items():
                image.env[name] = value.replace("$PATH", "").strip(":") if name == "PATH" else value
        elif step.name == "WORKDIR":
            image.folder = image.at(step.text)
            image.folder.mkdir(parents=True, exist_ok=True)
        elif step.name == "COPY":
            self._copy(step, image)
        elif step.name == "RUN":
            self._run(step, image)

    def _copy(self, step: Step, image: Image) -> None:
        words = step.words()
        if words[0].startswith("--from="):
            source = self._roots[words.pop(0).removeprefix("--from=")]
            *names, target = words
            for name in names:
                shutil.copytree(source / name.lstrip("/"), image.at(target), symlinks=True)
                _moved(image.at(target), source, image.root)
            return
        *names, target = words
        for name in names:
            let_in = [path for path in _files(self._context / name) if not self._ignored(path)]
            if not let_in:
                raise StepFailed(f"{name} is not there, or .dockerignore keeps it out")
            for path in let_in:
                inside = path.relative_to(self._context / name) if (self._context / name).is_dir() else Path(path.name)
                goal = image.at(target) / inside
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, goal)

    def _ignored(self, path: Path) -> bool:
        """As the builder reads `.dockerignore`: the last line that fits decides."""
        name = path.relative_to(self._context).as_posix()
        parents = [name, *(parent.as_posix() for parent in Path(name).parents if parent.as_posix() != ".")]
        out = False
        for line in (self._context / ".dockerignore").read_text().splitlines():
            if not line or line.startswith("#"):
                continue
            lets_in, pattern = line.startswith("!"), line.removeprefix("!")
            patterns = [pattern, pattern.removeprefix("**/")] if pattern.startswith("**/") else [pattern]
            anywhere = pattern.startswith("**/")
            if any(
                fnmatch.fnmatchcase(one, wanted) or (anywhere and fnmatch.fnmatchcase(one.rpartition("/")[2], wanted))
                for one in parents
                for wanted in patterns
                if anywhere or one.count("/") == wanted.count("/")
            ):
                out = not lets_in
        return out

    def _run(self, step: Step, image: Image) -> None:
        for command in step.text.split(" && "):
            if command.split()[0] in USER_TOOLS:
                image.as_root.append(command)
                if command.startswith("install "):
                    image.at(command.split()[-1]).mkdir(parents=True, mode=0o700)
                continue
            done = subprocess.run(
                ["/bin/sh", "-euc", _PATHS.sub(lambda one: f"{image.root}{one.group()}", command)],
                cwd=image.folder,
                env=image.environment(building=True, tools=self._base),
                capture_output=True,
                text=True,
                timeout=STEP_WITHIN,
                check=False,
            )
            if done.returncode:
                raise StepFailed(f"{done.returncode}: {(done.stdout + done.stderr)[-1500:]}")


class Image:
    """What a stage has made. `as_root` are the commands on users and owners that were not carried out here."""

    def __init__(self, root: Path, stage: Stage) -> None:
        self.root = root
        self.stage = stage
        self.folder = root
        self.env: dict[str, str] = {}
        self.as_root: list[str] = []

    def at(self, path: str) -> Path:
        """A path of the image, here."""
        return Path(f"{self.root}{path}") if path.startswith("/") else self.folder / path

    def environment(self, *, building: bool, tools: Path = Path("/usr/bin")) -> dict[str, str]:
        """The image's variables. While building, how this machine reaches its packages is the base image's matter."""
        base = {"PATH": f"{tools}:{os.defpath}", "HOME": str(self.root), "LANG": "C.UTF-8"}
        if building:
            keep = (
                "PIP_",
                "HTTP_PROXY",
                "HTTPS_PROXY",
                "NO_PROXY",
                "http_proxy",
                "https_proxy",
                "no_proxy",
                "SSL_CERT",
            )
            base |= {name: value for name, value in os.environ.items() if name.startswith(keep) or name == "HOME"}
        given = {name: _PATHS.sub(lambda one: f"{self.root}{one.group()}", value) for name, value in self.env.items()}
        if building:
            given.pop("PIP_NO_CACHE_DIR", None)  # only the image's size is better for it
        if "PATH" in given:
            given["PATH"] += f":{os.defpath}"
        return base | given


def base_python(user: int) -> Path:
    """A Python of this one's version that this user may run: one in root's home directory is out of reach."""
    version = "python{}.{}".format(*sys.version_info[:2])
    own = Path(sys.executable).resolve()
    return next(
        (one for one in (own, Path("/usr/local/bin", version), Path("/usr/bin", version)) if runs(one, user)), own
    )


def runs(python: Path, user: int) -> bool:
    """Whether this user can run it; nobody else can, where we are not root."""
    try:
        done = subprocess.run(
            [python, "-c", "import venv"],
            user=user,
            group=user,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.exists() else []
    return [one for one in sorted(path.rglob("*")) if one.is_file()]


def _moved(folder: Path, old: Path, new: Path) -> None:
    """In the image the environment keeps its place; here it moves, and its scripts' first lines name the old one."""
    for script in (folder / "bin").iterdir():
        if script.is_file() and not script.is_symlink() and script.stat().st_size < 65536:
            text = script.read_bytes()
            if str(old).encode() in text:
                script.write_bytes(text.replace(str(old).encode(), str(new).encode()))
