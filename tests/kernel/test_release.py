"""Kernel releases: how they are read, and what each does."""

from __future__ import annotations

import pytest

from oomsel.kernel.release import CHANGES, Rules, newest_release, parse_release

_OLD = "interleave_binds memcg_spares_dying gfp_zero_kills"
_5_9 = f"{_OLD} signed_badness exiting_note"
_5_14 = "memcg_spares_dying gfp_zero_kills signed_badness exiting_note gfp_zerotags"
_6_5 = "memcg_spares_dying signed_badness exiting_note gfp_zerotags percpu_rss"
_6_8 = f"{_6_5} split_table gfp_nowait_nowarn"
_6_16 = "signed_badness exiting_note gfp_zerotags percpu_rss split_table gfp_nowait_nowarn gfp_no_obj_ext gfp_bit_order"
_6_19 = f"{_6_16} group_victim_killed_again"
_7_0 = f"{_6_19} cgroup_hides_exited precise_oom"

#: Release -> the rules that are on in it, of those that are not the same everywhere.
RULES = {
    "5.4.0": f"{_OLD} pgtables_unit_slip gfp_atomic",
    "5.4.8": f"{_OLD} pgtables_unit_slip gfp_atomic",
    "5.4.9": f"{_OLD} gfp_atomic",
    "5.4.143": f"{_OLD} gfp_atomic",
    "5.4.144": f"{_OLD} signed_badness gfp_atomic",
    "5.4": f"{_OLD} signed_badness gfp_atomic",  # the last of its series
    "5.5": f"{_OLD} gfp_atomic",
    "5.8": f"{_OLD} gfp_atomic",
    "5.8.18": f"{_OLD} gfp_atomic",
    "5.9-rc1": f"{_5_9} gfp_atomic",
    "5.9": f"{_5_9} gfp_atomic",
    "5.13": f"{_5_9} gfp_atomic",
    "5.14": f"{_5_14} gfp_atomic gfp_skip_kasan_poison",
    "5.17.15": f"{_5_14} gfp_atomic gfp_skip_kasan_poison",
    "5.18": f"{_5_14} gfp_atomic",
    "6.1.192": f"{_5_14} gfp_atomic",
    "6.2": f"{_5_14} gfp_atomic percpu_rss",
    "6.3": f"{_5_14} percpu_rss",
    "6.4.16": f"{_5_14} percpu_rss",
    "6.5": _6_5,
    "6.7": _6_5,
    "6.8": _6_8,
    "6.9": _6_8,
    "6.10": f"{_6_8} gfp_no_obj_ext",
    "6.14": f"{_6_8} gfp_no_obj_ext",
    "6.15": f"{_6_8} gfp_no_obj_ext gfp_bit_order",
    "6.16": _6_16,
    "6.18": _6_16,
    "6.19.0": _6_19,
    "6.19.8": _6_19,
    "6.19.9": f"{_6_19} cgroup_hides_exited",
    "6.19": f"{_6_19} cgroup_hides_exited",  # the last of its series
    "7.0-rc1": _7_0,
    "7.2": _7_0,
    "7.3": _7_0.replace(" gfp_no_obj_ext", ""),
}


@pytest.mark.parametrize(("release", "on"), RULES.items())
def test_the_rules_of_a_release(release: str, on: str) -> None:
    rules = parse_release(release).rules
    assert {name for name, value in rules._asdict().items() if value} == set(on.split())


def test_every_rule_says_when() -> None:
    assert set(CHANGES) == set(Rules._fields)


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.18", (6, 18, 1_000_000)),
        ("v6.18", (6, 18, 1_000_000)),
        ("6.18.0", (6, 18, 0)),
        ("6.12.117+deb12-cloud-amd64", (6, 12, 117)),
        ("v6.12-rc3", (6, 12, 0)),
        ("5.15.0-84-generic", (5, 15, 0)),
        ("5.14.0-427.el9.x86_64", (5, 14, 0)),
        ("6.1.0-rc2-next-20220412", (6, 1, 0)),
        ("6.18.44~custom_1", (6, 18, 44)),
        ("5.4.8.1", (5, 4, 8)),
        ("5.4-generic", (5, 4, 1_000_000)),
        ("10.0", (10, 0, 1_000_000)),
    ],
)
def test_releases_that_are_read(text: str, release: tuple[int, int, int]) -> None:
    assert parse_release(text) == release


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5.3", "older than 5.4"),
        ("4.19.1-el8", "older than 5.4"),
        ("2.6.32", "older than 5.4"),
        ("6", "no kernel release"),
        ("", "no kernel release"),
        ("linux", "no kernel release"),
        ("6.x", "no kernel release"),
        ("6.18 ", "no kernel release"),
        (" 6.18", "no kernel release"),
        ("6.18\n", "no kernel release"),
        ("vv6.18", "no kernel release"),
        ("-6.18", "no kernel release"),
        ("6.18/x", "no kernel release"),
        ("99999.1", "no kernel release"),
        ("٦.18", "no kernel release"),
    ],
)
def test_releases_that_are_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_release(text)


def test_the_newest_and_what_is_beyond() -> None:
    assert not newest_release().is_newer_than_known
    assert not parse_release("7.3.5").is_newer_than_known
    assert parse_release("7.4").is_newer_than_known
    assert parse_release("8.0-rc1").is_newer_than_known
    assert parse_release("7.4").rules == newest_release().rules
