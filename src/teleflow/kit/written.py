"""What a person wrote by hand: names are compared with those that there are, and a wrong one gets a suggestion.

Knows neither which names there are nor what they mean.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

_CLOSE = 0.6
_Plain = str | int | float | bool


def meant(name: str, known: Collection[str], *, prefix: str = "") -> str:
    """`: did you mean …?` with the nearest of the known names; nothing where none is near.

    `prefix` (upper case) says nothing of a name, with it or without it.
    """
    spelled = {one.upper().removeprefix(prefix): one for one in known}
    near = difflib.get_close_matches(name.upper().removeprefix(prefix), spelled, n=1, cutoff=_CLOSE)
    return f": did you mean {spelled[near[0]]}?" if near else ""


def read_toml(path: Path, known: Collection[str]) -> dict[str, str]:
    """The file's values as a `.env` would say them, by lower-case name; a list is joined by commas.

    Raises ValueError with a sentence: no TOML, a table, a name that is not among `known` (lower case).
    """
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    unknown = [f"{path}: there is no setting {name}{meant(name, known)}" for name in given if name.lower() not in known]
    if unknown:
        raise ValueError("; ".join(unknown))
    return {name.lower(): _text(path, name, value) for name, value in given.items()}


def _text(path: Path, name: str, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, _Plain) for one in value):
        return ",".join(str(one) for one in value)
    if not isinstance(value, _Plain):
        raise ValueError(f"{path}: {name} must be a text, a number or a list of them")  # noqa: TRY004 - of a file
    return str(value)
