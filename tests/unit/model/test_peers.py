"""Every way to write a peer, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleflow.errors import Invalid
from teleflow.model.peers import Peer, PeerKind, PeerRef, RefForm, marked_id, parse_ref, unmarked

ME, ID, USERNAME, PHONE, INVITE = RefForm.ME, RefForm.ID, RefForm.USERNAME, RefForm.PHONE, RefForm.INVITE

FORMS: list[tuple[str | int, RefForm, str | int]] = [
    ("me", ME, ""),
    (" Me ", ME, ""),
    (777000, ID, 777000),
    ("777000", ID, 777000),
    ("5", ID, 5),
    (-4242, ID, -4242),
    ("-4242", ID, -4242),
    ("-1001234567890", ID, -1001234567890),
    (2**40 - 1, ID, 2**40 - 1),
    ("15551234567", ID, 15551234567),
    ("+15551234567", PHONE, "+15551234567"),
    ("+1 (555) 123-45.67", PHONE, "+15551234567"),
    ("1 555 123 4567", PHONE, "+15551234567"),
    ("(555) 1234567", PHONE, "+5551234567"),
    ("@Durov", USERNAME, "durov"),
    ("durov", USERNAME, "durov"),
    ("@a_1_", USERNAME, "a_1_"),
    ("t.me/durov", USERNAME, "durov"),
    ("https://t.me/Durov", USERNAME, "durov"),
    ("HTTP://WWW.T.ME/durov/", USERNAME, "durov"),
    ("https://telegram.me/durov/123", USERNAME, "durov"),
    ("https://telegram.dog/durov?start=x#y", USERNAME, "durov"),
    ("https://t.me/s/durov/12", USERNAME, "durov"),
    ("https://durov.t.me", USERNAME, "durov"),
    ("durov.t.me/12", USERNAME, "durov"),
    ("https://t.me/c/1234567890/44", ID, -1001234567890),
    ("t.me/c/1234567890", ID, -1001234567890),
    ("https://t.me/c/1234567890/7/44?thread=7", ID, -1001234567890),
    ("https://t.me/+AbCdEf_1-23456789", INVITE, "AbCdEf_1-23456789"),
    ("https://t.me/joinchat/AAAAAEHbEkejzxUjAUCfYg", INVITE, "AAAAAEHbEkejzxUjAUCfYg"),
    ("t.me/%20AbCdEf_1-23456789", INVITE, "AbCdEf_1-23456789"),
    ("https://t.me/+15551234567", PHONE, "+15551234567"),
    ("tg://resolve?domain=Durov", USERNAME, "durov"),
    ("tg:resolve?domain=durov&post=5", USERNAME, "durov"),
    ("tg://resolve?phone=15551234567", PHONE, "+15551234567"),
    ("tg://join?invite=AbCdEf_1-23456789", INVITE, "AbCdEf_1-23456789"),
    ("tg://user?id=777000", ID, 777000),
    ("tg://privatepost?channel=1234567890&post=4", ID, -1001234567890),
]


@pytest.mark.parametrize(("written", "form", "value"), FORMS)
def test_a_peer_is_read(written: str | int, form: RefForm, value: str | int) -> None:
    assert parse_ref(written) == PeerRef(form, value)


NO_REFS: list[object] = [
    *(
        "",
        " ",
        "0",
        "-0",
        "00123",
        "-",
        "--5",
        "- 5",
        "1.5",
        "1e3",
        "0x10",
        "+",
        "@",
        "@ab",
        "@1abc",
        "@dur ov",
        "@дуров",
    ),
    *(
        "١٢٣٤٥٦",
        "12345678901234567890",
        str(2**40),
        -(10**12),
        "-1000000000000",
        -(5 * 10**12),
        2**63,
        0,
        -0,
        True,
        1.0,
    ),
    *("https://example.org/durov", "https://t.me", "https://t.me/", "t.me/+", "t.me/+ab", "t.me/joinchat", "t.me/ab"),
    *("t.me/addstickers/x", "t.me/share/url?url=x", "t.me/proxy?server=x", "t.me/c/", "t.me/c/x/1", "t.me/c/١/1"),
    *(
        "t.me/c/99999999999999/1",
        "tg://resolve",
        "tg://join",
        "tg://user?id=x",
        "tg://msg?text=x",
        "tg://[",
        "evil.t.me.org",
    ),
    *("a" * 257, "@" + "a" * 33, "durov\x00", "; DROP TABLE", None, [], {}),
]


@pytest.mark.parametrize("written", NO_REFS, ids=repr)
def test_what_is_no_peer_is_refused_and_the_field_named(written: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_ref(written, field="toChatId")
    assert raised.value.details == {"field": "toChatId"}


@pytest.mark.parametrize("written", ["+1234", "+1234567890123456", "1 2"])
def test_a_number_that_is_none_is_refused_as_a_number(written: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_ref(written)
    assert (raised.value.code, raised.value.details) == ("PHONE_NUMBER_INVALID", {"field": "chatId"})


@given(
    st.text(max_size=300) | st.from_regex(r"(https?://)?t\.me/.{0,40}|tg:.{0,40}|[+@-]?[0-9 ()-]{0,20}", fullmatch=True)
)
def test_whatever_is_written_is_read_or_refused(written: str) -> None:
    try:
        ref = parse_ref(written)
    except Invalid:
        return
    assert parse_ref(str(ref)) == ref, "what is read can be written again"


@given(st.sampled_from(PeerKind), st.integers(1, 990_000_000_000))
def test_a_marked_id_tells_the_kind(kind: PeerKind, bare: int) -> None:
    assert unmarked(marked_id(kind, bare)) == (kind, bare)
    assert Peer.of(Peer(kind, bare, 5).marked_id, 5) == Peer(kind, bare, 5)
