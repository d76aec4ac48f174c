"""Names as log tools show them, and as scenarios write them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.text import comm_from_text, comm_to_text, printable


@given(st.binary(max_size=20))
def test_a_comm_survives_being_written_and_read(comm: bytes) -> None:
    assert comm_from_text(comm_to_text(comm)) == comm


@given(st.binary(max_size=20) | st.text(max_size=20))
def test_nothing_printable_moves_a_cursor(name: bytes | str) -> None:
    text = printable(name)
    text.encode("utf-8")
    assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert len(text.splitlines()) <= 1


@given(st.binary(max_size=20) | st.text(max_size=20))
def test_what_is_printable_stays(name: bytes | str) -> None:
    assert printable(printable(name)) == printable(name)


@pytest.mark.parametrize(
    ("text", "comm"),
    [
        ("plain", b"plain"),
        (r"\x41", b"A"),
        (r"\x4", rb"\x4"),
        (r"\xg1", rb"\xg1"),
        (r"\X41", rb"\X41"),
        (r"\\x41", rb"\A"),
        (r"\x5cx41", rb"\x41"),
        (r"\n", rb"\n"),
        ("\\", b"\\"),
        (r"\xFf\xc3", b"\xff\xc3"),
        ("ü", b"\xc3\xbc"),
    ],
)
def test_escapes_in_a_comm(text: str, comm: bytes) -> None:
    assert comm_from_text(text) == comm


@pytest.mark.parametrize(
    ("comm", "text"),
    [
        (b"plain", "plain"),
        (rb"\n", r"\n"),
        (rb"\x41", r"\x5cx41"),
        (b"a\nb", r"a\x0ab"),
        (b"\xc3", r"\xc3"),
        (b"\xc3\xbc\\", "ü\\"),
        (b"\xff\\xff", r"\xff\x5cxff"),
        (b"", ""),
    ],
)
def test_a_comm_in_a_scenario(comm: bytes, text: str) -> None:
    assert comm_to_text(comm) == text


def test_a_lone_surrogate_is_shown_as_the_bytes_it_would_be() -> None:
    assert printable("\ud800") == r"\xed\xa0\x80"
    assert printable("\udcff") == r"\xff"
