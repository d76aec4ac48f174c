"""Quantities and lists: their laws."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.text import MAX_PAGES, format_numbers, parse_list, parse_quantity

UNITS = {"kB": 10, "KiB": 10, "MB": 20, "MiB": 20, "GB": 30, "GiB": 30, "TB": 40, "TiB": 40}
PAGE_SIZES = st.sampled_from([4096, 16384, 65536])


@given(pages=st.integers(1 - MAX_PAGES, MAX_PAGES - 1), page_size=PAGE_SIZES, blank=st.sampled_from(["", " "]))
def test_a_number_of_pages_in_any_unit(pages: int, page_size: int, blank: str) -> None:
    for unit, shift in UNITS.items():
        exact = Fraction(pages * page_size, 1 << shift)
        # A power of two in the denominator: a decimal fraction, if a long one.
        places = exact.denominator.bit_length() - 1
        digits = f"{abs(exact.numerator) * 10**places // exact.denominator:0{places + 1}d}"
        number = digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}"
        text = f"{'-' if pages < 0 else ''}{number}{blank}{unit}"
        if len(text) <= 80:
            assert parse_quantity(text, page_size) == pages
            assert parse_quantity(text.upper(), page_size) == pages
            assert parse_quantity(text.lower(), page_size) == pages


@given(pages=st.integers(0, MAX_PAGES - 1), page_size=PAGE_SIZES)
def test_what_is_no_whole_page_is_refused(pages: int, page_size: int) -> None:
    text = f"{(pages * page_size >> 10) + 1} kB"
    with pytest.raises(ValueError, match="not a whole number of pages; use a multiple of"):
        parse_quantity(text, page_size)


@pytest.mark.parametrize("pages", [MAX_PAGES, -MAX_PAGES, 10**50])
def test_what_is_out_of_range_is_refused(pages: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_quantity(f"{pages} pages", 4096)


@pytest.mark.parametrize("text", ["25 page\u017f", "100 \u212aB", "1 g\u0131b", "1 G\u0130B", "\u0665 pages"])
def test_what_only_looks_like_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity of memory"):
        parse_quantity(text, 4096)


@given(st.text("0123456789.+-kKmMiIbB pages", max_size=12))
def test_any_text_is_pages_or_a_value_error(text: str) -> None:
    try:
        pages = parse_quantity(text, 4096)
    except ValueError as error:
        said = str(error)
    else:
        assert abs(pages) < MAX_PAGES
        return
    assert "; use " in said or "; stay " in said


@given(st.text("0123456789,-:/ ", max_size=16))
def test_any_text_is_a_list_or_a_value_error(text: str) -> None:
    try:
        numbers = parse_list(text)
    except ValueError:
        return
    assert numbers
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number <= 8191 for number in numbers)
    assert parse_list(format_numbers(numbers)) == sorted(numbers)


@given(first=st.integers(0, 100), size=st.integers(0, 100), group=st.integers(1, 9), used=st.integers(1, 9))
def test_a_stride_takes_the_first_of_every_group(first: int, size: int, group: int, used: int) -> None:
    text = f"{first}-{first + size}:{used}/{group}"
    if used > group:
        with pytest.raises(ValueError, match="stride"):
            parse_list(text)
    else:
        expected = [number for number in range(first, first + size + 1) if (number - first) % group < used]
        assert parse_list(text) == expected


def test_a_list_that_repeats_itself_grows_no_further_than_it_could_be_long() -> None:
    with pytest.raises(ValueError, match="stated twice"):
        parse_list(",".join(["0-8191"] * 100_000))
    with pytest.raises(ValueError, match="above 8191"):
        parse_list("0-18446744073709551615")
    with pytest.raises(ValueError, match="no list"):
        parse_list("9" * 100_000)


def test_nodes_end_earlier_than_cpus() -> None:
    assert parse_list("1023", 1023) == [1023]
    with pytest.raises(ValueError, match="above 1023"):
        parse_list("1024", 1023)
