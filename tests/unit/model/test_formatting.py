"""Markdown, HTML and entities: what is shown, and how."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleflow.errors import Invalid
from teleflow.model.entities import Entity, units
from teleflow.model.formatting import ParseMode, formatted

E = Entity


def markdown(text: str) -> tuple[str, list[Entity]]:
    shown, entities = formatted(text, ParseMode.MARKDOWN)
    return shown, list(entities)


def html(text: str) -> tuple[str, list[Entity]]:
    shown, entities = formatted(text, ParseMode.HTML)
    return shown, list(entities)


@pytest.mark.parametrize(
    ("written", "shown", "entities"),
    [
        ("plain", "plain", []),
        ("**b** x", "b x", [E("bold", 0, 1)]),
        ("🦊 __i__", "🦊 i", [E("italic", 3, 1)]),
        ("~~s~~||p||", "sp", [E("strikethrough", 0, 1), E("spoiler", 1, 1)]),
        ("**a __b__ c**", "a b c", [E("bold", 0, 5), E("italic", 2, 1)]),
        ("`a**b**`", "a**b**", [E("code", 0, 6)]),
        ("```python\nx = 1\n```", "x = 1", [E("pre", 0, 5, language="python")]),
        ("```x```", "x", [E("pre", 0, 1)]),
        ("[t](https://x.y/z?q=1)", "t", [E("text_link", 0, 1, url="https://x.y/z?q=1")]),
        ("[**t**](x.org)", "t", [E("bold", 0, 1), E("text_link", 0, 1, url="x.org")]),
        ("[Ann](tg://user?id=12)", "Ann", [E("mention_name", 0, 3, user_id=12)]),
        (r"\*\*b\*\* \`c", "**b** `c", []),
        ("**open", "**open", []),
        ("a ** b", "a ** b", []),
        ("****", "****", []),
        ("``", "``", []),
        ("[t](javascript:alert(1))", "[t](javascript:alert(1))", []),
        ("[t](no link)", "[t](no link)", []),
        ("[t]", "[t]", []),
        ("](x.org)", "](x.org)", []),
        ("  **b**  ", "b", [E("bold", 0, 1)]),
    ],
)
def test_markdown(written: str, shown: str, entities: list[Entity]) -> None:
    assert markdown(written) == (shown, entities)


@pytest.mark.parametrize(
    ("written", "shown", "entities"),
    [
        ("plain &lt;&amp;&#128512;", "plain <&😀", []),
        ("a & b", "a & b", []),
        ("<b>b</b> <I>i</I>", "b i", [E("bold", 0, 1), E("italic", 2, 1)]),
        (
            "<u>u</u><s>s</s><del>d</del>",
            "usd",
            [E("underline", 0, 1), E("strikethrough", 1, 1), E("strikethrough", 2, 1)],
        ),
        ('<a href="https://x.y?a=1&amp;b=2">t</a>', "t", [E("text_link", 0, 1, url="https://x.y?a=1&b=2")]),
        ("<a href='tg://user?id=12'>A</a>", "A", [E("mention_name", 0, 1, user_id=12)]),
        ('<pre><code class="language-py">x</code></pre>', "x", [E("pre", 0, 1, language="py")]),
        ("<pre>a<code>x</code></pre>", "ax", [E("pre", 0, 2), E("code", 1, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [E("blockquote", 0, 1, collapsed=True)]),
        ('<span class="tg-spoiler">p</span><tg-spoiler>q</tg-spoiler>', "pq", [E("spoiler", 0, 1), E("spoiler", 1, 1)]),
        ('<tg-emoji emoji-id="5">🦊</tg-emoji>', "🦊", [E("custom_emoji", 0, 2, document_id=5)]),
        ("a<br>b<br/>c", "a\nb\nc", []),
        ("<b></b>x", "x", []),
    ],
)
def test_html(written: str, shown: str, entities: list[Entity]) -> None:
    assert html(written) == (shown, entities)


@pytest.mark.parametrize(
    "written",
    [
        "<b>open",
        "close</b>",
        "<b><i>crossed</b></i>",
        "<script>x</script>",
        "1 < 2",
        "<",
        "<a>x</a>",
        "<b",
        "<span>x</span>",
        '<a href="javascript:alert(1)">x</a>',
        "<a href='data:text/html,x'>x</a>",
        '<tg-emoji emoji-id="x">x</tg-emoji>',
    ],
)
def test_html_that_telegram_would_not_show_is_refused_with_its_place(written: str) -> None:
    with pytest.raises(Invalid) as raised:
        html(written)
    assert raised.value.code == "ENTITY_INVALID"
    assert 0 <= raised.value.details["position"] <= len(written)


@pytest.mark.parametrize(
    "entity",
    [
        E("bold", -1, 2),
        E("bold", 0, 0),
        E("bold", 0, 4),
        E("bold", 3, 1),
        E("nonsense", 0, 1),
        E("text_link", 0, 1),
        E("text_link", 0, 1, url="javascript:x"),
        E("mention_name", 0, 1),
        E("custom_emoji", 0, 1),
    ],
)
def test_entities_that_can_t_be_are_refused(entity: Entity) -> None:
    with pytest.raises(Invalid) as raised:
        formatted("a🦊", entities=[E("bold", 0, 3), entity])
    assert (raised.value.code, raised.value.details["index"]) == ("ENTITY_INVALID", 1)


def test_entities_follow_the_text_whose_blanks_telegram_drops() -> None:
    assert formatted("  a 🦊 \n", entities=[E("bold", 0, 7)]) == ("a 🦊", (E("bold", 0, 4),))
    assert formatted(" x ", entities=[E("bold", 2, 1)]) == ("x", ())
    assert formatted(" x ") == (" x ", ()), "what has no formatting is not touched"


def test_one_way_of_formatting_at_a_time() -> None:
    with pytest.raises(Invalid):
        formatted("x", ParseMode.HTML, [E("bold", 0, 1)])


TANGLES = [
    "**",
    "__a",
    "[x](",
    "[",
    "](",
    "`",
    "```",
    "``` ` ",
    "||~~",
    "\\",
    "[a](b.c) ",
    "**[a](",
    "<b>",
    "<b",
    "&",
    "&a",
    "<a href='",
    "<!--",
    "<i>x</i>",
]


@pytest.mark.parametrize("tangle", TANGLES)
@pytest.mark.parametrize("mode", ParseMode)
def test_the_time_is_linear_whatever_is_given(tangle: str, mode: ParseMode) -> None:
    def took(times: int) -> float:
        text = tangle * times + ")"
        began = time.process_time()
        with contextlib.suppress(Invalid):
            formatted(text, mode)
        return time.process_time() - began

    assert took(40_000) < 10.0, "a square would take minutes"


@given(st.text(alphabet="ab*_~|`[]()\\\n🦊 .:/", max_size=60))
def test_any_markdown_is_shown_and_its_entities_are_inside(text: str) -> None:
    shown, entities = markdown(text)
    for one in entities:
        assert 0 <= one.offset < one.offset + one.length <= units(shown)


@given(st.text(alphabet="ab<>/&;=' \"🦊ih", max_size=60))
def test_any_html_is_shown_or_refused(text: str) -> None:
    try:
        shown, entities = html(text)
    except Invalid:
        return
    for one in entities:
        assert 0 <= one.offset < one.offset + one.length <= units(shown)
