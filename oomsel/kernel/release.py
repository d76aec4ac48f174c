"""What the kernel's releases do differently: one table, looked up by the name of the behaviour."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

_RELEASE = re.compile(
    r"v?([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,6}))?(?:-rc([0-9]{1,3}))?(?:[-+._~a-zA-Z][-+._~a-zA-Z0-9]*)?"
)

#: Characters of a release, as uname(2) has it.
_NEW_UTS_LEN = 64
#: A patch level beyond every real one: 5.4 alone is the last of its series.
_LAST = 1_000_000

#: (major, minor), or (major, minor, patch), of the first release that behaves so.
Version = tuple[int, ...]
Span = tuple[Version, Version | None]


class Rules(NamedTuple):
    """How one release counts, chooses and prints; see `CHANGES` for what each comes from."""

    percpu_rss: bool  #: RSS counters are percpu_counters; before, one exact number here
    precise_oom: bool  #: the OOM killer sums every CPU's share
    signed_badness: bool  #: points may be negative; before, every killable task has at least 1
    split_table: bool  #: the task table has rss_anon, rss_file and rss_shmem
    interleave_binds: bool  #: a task's MPOL_INTERLEAVE policy keeps it out of other nodes' OOMs, as MPOL_BIND does
    memcg_spares_dying: bool  #: a cgroup's OOM does nothing at all for a current that is dying, whatever its mm
    gfp_zero_kills: bool  #: a gfp_mask of 0, which names no context, may kill although it lacks __GFP_FS
    cgroup_hides_exited: bool  #: a cgroup walk passes by a process whose threads have all begun to exit
    exiting_note: bool  #: __oom_kill_process() says of a victim without an mm that it is exiting already
    group_victim_killed_again: bool  #: what a group's first victim, met again, mostly gets: a second kill line
    pgtables_unit_slip: bool  #: the kill line labels bytes of page tables as kB
    gfp_atomic: bool  #: bit 0x200 is __GFP_ATOMIC
    gfp_zerotags: bool  #: bit 0x800000 is __GFP_ZEROTAGS
    gfp_skip_kasan_poison: bool  #: bit 0x1000000 is __GFP_SKIP_KASAN_POISON, set in GFP_HIGHUSER_MOVABLE
    gfp_nowait_nowarn: bool  #: GFP_NOWAIT includes __GFP_NOWARN
    gfp_no_obj_ext: bool  #: bit 0x1000000 is __GFP_NO_OBJ_EXT
    gfp_bit_order: bool  #: single flags print in the order of their bits


#: Behaviour -> the spans of releases that have it, the second of each the first without it again.
CHANGES: dict[str, tuple[Span, ...]] = {
    # f1a7941243c1 (v6.2): mm->rss_stat became percpu_counters.
    "percpu_rss": (((6, 2), None),),
    # 5898aa8f9a0b (v7.0): oom_badness() and the report use percpu_counter_sum_positive().
    "precise_oom": (((7, 0), None),),
    # 9066e5cfb73c (v5.9, and 5.4.144 of the stable series): LONG_MIN, not 0, is unkillable.
    "signed_badness": (((5, 4, 144), (5, 5)), ((5, 9), None)),
    # dump_tasks() prints the three parts of rss since v6.8.
    "split_table": (((6, 8), None),),
    # b26e517a058b (v5.14): mempolicy_in_oom_domain() asks for MPOL_BIND alone.
    "interleave_binds": (((5, 4), (5, 14)),),
    # mem_cgroup_out_of_memory() called out_of_memory() only for a current that was not dying, until v6.15.
    "memcg_spares_dying": (((5, 4), (6, 16)),),
    # pagefault_out_of_memory() had no gfp_mask to give; out_of_memory() made the exception until v6.4.
    "gfp_zero_kills": (((5, 4), (6, 5)),),
    # css_task_iter_advance() skips PF_EXITING with signal->live 0: not yet in 6.19.0, seen in 6.19.9.
    "cgroup_hides_exited": (((6, 19, 9), None),),
    # 619b5b469bca (v5.9).
    "exiting_note": (((5, 9), None),),
    # Timing decides, in every release; this is what was seen most since 6.19 (8 of 13 runs, the other 5 silent).
    "group_victim_killed_again": (((6, 19), None),),
    # 70cb6d267790 (v5.4) printed bytes; 941f762bcb27 (v5.5, 5.4.9) shifted them to kB.
    "pgtables_unit_slip": (((5, 4), (5, 4, 9)),),
    # 2973d8229b78 (v6.3) gave the bit up.
    "gfp_atomic": (((5, 4), (6, 3)),),
    "gfp_zerotags": (((5, 14), None),),
    # Unconditional only here; since v5.18 it depends on CONFIG_KASAN_HW_TAGS, which no distribution sets on x86.
    "gfp_skip_kasan_poison": (((5, 14), (5, 18)),),
    # 16f5dfbc851b (v6.8).
    "gfp_nowait_nowarn": (((6, 8), None),),
    # CONFIG_SLAB_OBJ_EXT, which memory cgroups select, has had the bit since v6.10; 01c69ef56dfa (v7.3) removed it.
    "gfp_no_obj_ext": (((6, 10), (7, 3)),),
    # The names come from the enum of the bits since v6.15.
    "gfp_bit_order": (((6, 15), None),),
}

OLDEST: Version = (5, 4)
#: The newest release whose rules are known; a newer one gets them too, with a note.
NEWEST: Version = (7, 3)


class Release(NamedTuple):
    """A kernel release as ordered numbers; `patch` is beyond all where none is stated."""

    major: int
    minor: int
    patch: int

    @property
    def is_newer_than_known(self) -> bool:
        """Whether its rules are taken from an older release."""
        return self[:2] > NEWEST

    @property
    def rules(self) -> Rules:
        """What the release does."""
        return _rules(self)


@cache
def _rules(release: Release) -> Rules:
    return Rules(**{name: any(_within(release, span) for span in spans) for name, spans in CHANGES.items()})


def _within(release: Release, span: Span) -> bool:
    since, until = span
    return tuple(release) >= since and (until is None or tuple(release) < until)


def parse_release(text: str) -> Release:
    """The release that `uname -r` would name so: `6.18`, `v6.12-rc3`, `6.12.117+deb12-cloud-amd64`.

    Raises ValueError, with what would be right, for what is no release or older than 5.4.

    >>> parse_release("v6.12-rc3") < parse_release("6.12.1") < parse_release("6.12")
    True
    """
    match = _RELEASE.fullmatch(text) if len(text) <= _NEW_UTS_LEN else None
    if match is None:
        raise ValueError("no kernel release; use one like 6.18 or 6.12.117+deb12-cloud-amd64")
    major, minor, patch, candidate = (int(part) if part else None for part in match.groups())
    assert major is not None
    assert minor is not None
    if (major, minor) < OLDEST:
        raise ValueError("older than 5.4, the first release whose OOM killer is simulated; use 5.4 or later")
    if patch is None:
        patch = _LAST if candidate is None else 0
    return Release(major, minor, patch)


#: The last release of each major number that has ended.
_LAST_OF = {5: 19, 6: 19}


def known_releases() -> list[str]:
    """Every release whose rules are known, the newest first.

    >>> known_releases()[0], known_releases()[-1], len(known_releases())
    ('7.3', '5.4', 40)
    """
    versions = [(5, minor) for minor in range(4, _LAST_OF[5] + 1)]
    versions += [(6, minor) for minor in range(_LAST_OF[6] + 1)]
    versions += [(7, minor) for minor in range(NEWEST[1] + 1)]
    return [f"{major}.{minor}" for major, minor in reversed(versions)]


def newest_release() -> Release:
    """The newest release that oomsel knows."""
    return Release(NEWEST[0], NEWEST[1], _LAST)
