"""gfp masks and their names, by release; lines from real logs where one is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.kernel.gfp import format_gfp, gfp_masks, parse_gfp
from oomsel.kernel.release import parse_release

FORMATS = [
    # As real kernels printed them.
    ("5.4", 0xCC0, "GFP_KERNEL"),
    ("5.7", 0x100CCA, "GFP_HIGHUSER_MOVABLE"),
    ("5.13", 0x100CCA, "GFP_HIGHUSER_MOVABLE"),
    ("5.15", 0x1100CCA, "GFP_HIGHUSER_MOVABLE"),
    ("5.19", 0x140CCA, "GFP_HIGHUSER_MOVABLE|__GFP_COMP"),
    ("6.1", 0x140DCA, "GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO"),
    ("6.8", 0x140CCA, "GFP_HIGHUSER_MOVABLE|__GFP_COMP"),
    ("6.12", 0x140DCA, "GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO"),
    ("6.12", 0x400CC0, "GFP_KERNEL_ACCOUNT"),
    ("6.12", 0x2DC2, "GFP_KERNEL|__GFP_HIGHMEM|__GFP_NOWARN|__GFP_ZERO"),
    ("6.16", 0x140DCA, "GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_COMP"),
    # By the table of bits and names.
    ("6.18", 0x2DC2, "GFP_KERNEL|__GFP_HIGHMEM|__GFP_ZERO|__GFP_NOWARN"),
    ("5.15", 0x100CCA, "GFP_HIGHUSER|__GFP_MOVABLE"),
    ("5.4", 0xA20, "GFP_ATOMIC"),
    ("6.2", 0xA20, "GFP_ATOMIC"),
    ("6.3", 0xA20, "GFP_ATOMIC|0x200"),
    ("6.3", 0x820, "GFP_ATOMIC"),
    ("6.2", 0x820, "GFP_NOWAIT|__GFP_HIGH"),
    ("6.2", 0x200, "__GFP_ATOMIC"),
    ("6.7", 0x800, "GFP_NOWAIT"),
    ("6.7", 0x2800, "GFP_NOWAIT|__GFP_NOWARN"),
    ("6.8", 0x2800, "GFP_NOWAIT"),
    ("6.8", 0x800, "__GFP_KSWAPD_RECLAIM"),
    ("6.8", 0x2820, "GFP_ATOMIC|__GFP_NOWARN"),
    ("5.13", 0x800CC0, "GFP_KERNEL|0x800000"),
    ("5.14", 0x800CC0, "GFP_KERNEL|__GFP_ZEROTAGS"),
    ("6.14", 0x800CC0, "GFP_KERNEL|__GFP_ZEROTAGS"),
    ("5.17", 0x1000CC0, "GFP_KERNEL|__GFP_SKIP_KASAN_POISON"),
    ("5.18", 0x1000CC0, "GFP_KERNEL|0x1000000"),
    ("6.9", 0x1000CC0, "GFP_KERNEL|0x1000000"),
    ("6.12", 0x1000CC0, "GFP_KERNEL|0x1000000"),
    ("6.15", 0x1000CC0, "GFP_KERNEL|__GFP_NO_OBJ_EXT"),
    ("7.2", 0x1000CC0, "GFP_KERNEL|__GFP_NO_OBJ_EXT"),
    ("7.3", 0x1000CC0, "GFP_KERNEL|0x1000000"),
    ("5.4", 0x1C24CA, "GFP_TRANSHUGE"),
    ("5.4", 0x1C20CA, "GFP_TRANSHUGE_LIGHT"),
    ("5.16", 0x11C24CA, "GFP_TRANSHUGE"),
    ("6.18", 0x1C20CA, "GFP_TRANSHUGE_LIGHT"),
    ("6.18", 0x8C40, "GFP_NOFS|__GFP_NOFAIL"),
    ("6.18", 0xC00, "GFP_NOIO"),
    ("6.18", 0x100CC0, "GFP_USER"),
    ("6.18", 0x100CC2, "GFP_HIGHUSER"),
    ("6.18", 0x1, "GFP_DMA"),
    ("6.18", 0x4, "GFP_DMA32"),
    ("6.18", 0x400, "__GFP_DIRECT_RECLAIM"),
    ("6.18", 0x300000, "__GFP_HARDWALL|__GFP_THISNODE"),
    ("6.18", 0, ""),
    ("6.18", 0xF8000000, "0xf8000000"),
    (
        "6.1",
        0x7FFFFF & ~0xC2A,
        (
            "GFP_DMA|GFP_DMA32|__GFP_ATOMIC|__GFP_IO|__GFP_FS|__GFP_NOWARN|__GFP_RETRY_MAYFAIL|__GFP_NOFAIL|__GFP_NORETRY|"
            "__GFP_COMP|__GFP_ZERO|__GFP_NOMEMALLOC|__GFP_MEMALLOC|__GFP_HARDWALL|__GFP_THISNODE|__GFP_RECLAIMABLE|"
            "__GFP_ACCOUNT|__GFP_WRITE"
        ),
    ),
    (
        "6.18",
        0x7FFDFF & ~0xC2A,
        (
            "GFP_DMA|GFP_DMA32|__GFP_RECLAIMABLE|__GFP_IO|__GFP_FS|__GFP_ZERO|__GFP_WRITE|__GFP_NOWARN|__GFP_RETRY_MAYFAIL|"
            "__GFP_NOFAIL|__GFP_NORETRY|__GFP_MEMALLOC|__GFP_COMP|__GFP_NOMEMALLOC|__GFP_HARDWALL|__GFP_THISNODE|"
            "__GFP_ACCOUNT"
        ),
    ),
]

RELEASES = ("5.4", "5.14", "5.18", "6.1", "6.3", "6.8", "6.10", "6.15", "7.0", "7.3")


@pytest.mark.parametrize(("release", "mask", "names"), FORMATS)
def test_a_mask_as_it_is_printed(release: str, mask: int, names: str) -> None:
    assert format_gfp(mask, parse_release(release).rules) == f"{mask:#x}({names})"


def test_no_flag_at_all_is_printed_as_printk_prints_zero() -> None:
    assert format_gfp(0, newest := parse_release("7.0").rules) == "0x0()"
    assert parse_gfp("0x0", newest) == 0


@given(mask=st.integers(0, (1 << 32) - 1), release=st.sampled_from(RELEASES))
def test_what_is_printed_reads_back(mask: int, release: str) -> None:
    rules = parse_release(release).rules
    number, _, names = format_gfp(mask, rules).removesuffix(")").partition("(")
    assert int(number, 16) == mask
    assert (parse_gfp(names, rules) if names else 0) == mask


@pytest.mark.parametrize("release", RELEASES)
def test_every_name_reads_as_its_mask(release: str) -> None:
    rules = parse_release(release).rules
    for name, mask in gfp_masks(rules).items():
        assert parse_gfp(f" {name} |__GFP_ZERO", rules) == mask | 0x100


@pytest.mark.parametrize(
    ("release", "text", "culprit"),
    [
        ("6.18", "GFP_KERNEL|__GFP_FOO", "__GFP_FOO"),
        ("6.18", "GFP_KERNEL|", "an empty name"),
        ("6.18", "", "an empty name"),
        ("6.18", "gfp_kernel", "gfp_kernel"),
        ("6.3", "__GFP_ATOMIC", "__GFP_ATOMIC"),
        ("5.13", "__GFP_ZEROTAGS", "__GFP_ZEROTAGS"),
        ("6.9", "__GFP_NO_OBJ_EXT", "__GFP_NO_OBJ_EXT"),
        ("6.18", "0x1ffffffff", "0x1ffffffff"),
    ],
)
def test_names_that_are_refused(release: str, text: str, culprit: str) -> None:
    with pytest.raises(ValueError, match=f"no gfp flag of that release: {culprit}$"):
        parse_gfp(text, parse_release(release).rules)
