"""What the dashboard knows by heart is what the service has."""

from __future__ import annotations

import re

from teleflow.api.dashboard import PAGES
from teleflow.model.events import ON_REQUEST, EventType
from tests.arch.sources import ROOT

WEB = ROOT / "web" / "src"


def test_the_picker_of_a_webhook_has_every_type_of_event() -> None:
    told = re.findall(r"'([a-z]+\.[a-z_]+)'", (WEB / "pages" / "webhooks" / "types.ts").read_text("utf-8"))
    assert sorted(told) == sorted(one.value for one in EventType if one not in ON_REQUEST)


def test_every_page_that_is_served_is_one() -> None:
    shown = re.findall(r"^    ([a-z]+): \(\) => import", (WEB / "App.svelte").read_text("utf-8"), re.MULTILINE)
    assert sorted({*shown, "sign-in"}) == sorted(PAGES)
