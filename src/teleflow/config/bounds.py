"""How much may be kept: what is beyond it no longer fits into the 64 bits that databases count with."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Days = Annotated[int, Field(ge=0, le=10_000_000)]
Rows = Annotated[int, Field(ge=1, le=10**15)]
