"""gfp flags: their bits and names by release, after include/linux/gfp_types.h and include/trace/events/mmflags.h.

For the configuration distributions build for x86-64: no CONFIG_LOCKDEP, no CONFIG_KASAN_HW_TAGS.
"""

from __future__ import annotations

import re
from functools import cache

from oomsel.kernel.release import Rules

#: The bits that every release since 5.4 has, in ascending order from bit 0.  Bit 9 stands under `Rules.gfp_atomic`.
_BITS = (
    "DMA HIGHMEM DMA32 MOVABLE RECLAIMABLE HIGH IO FS ZERO ATOMIC DIRECT_RECLAIM KSWAPD_RECLAIM WRITE NOWARN "
    "RETRY_MAYFAIL NOFAIL NORETRY MEMALLOC COMP NOMEMALLOC HARDWALL THISNODE ACCOUNT"
).split()

#: Masks of several bits, built from those before them; the kernel tries their names first, in `_COMPOSITE_ORDER`.
_COMPOSITES = {
    "__GFP_RECLAIM": "__GFP_DIRECT_RECLAIM|__GFP_KSWAPD_RECLAIM",
    "GFP_KERNEL": "__GFP_RECLAIM|__GFP_IO|__GFP_FS",
    "GFP_KERNEL_ACCOUNT": "GFP_KERNEL|__GFP_ACCOUNT",
    "GFP_NOIO": "__GFP_RECLAIM",
    "GFP_NOFS": "__GFP_RECLAIM|__GFP_IO",
    "GFP_USER": "GFP_KERNEL|__GFP_HARDWALL",
    "GFP_DMA": "__GFP_DMA",
    "GFP_DMA32": "__GFP_DMA32",
    "GFP_HIGHUSER": "GFP_USER|__GFP_HIGHMEM",
}
_COMPOSITE_ORDER = (
    "GFP_TRANSHUGE GFP_TRANSHUGE_LIGHT GFP_HIGHUSER_MOVABLE GFP_HIGHUSER GFP_USER GFP_KERNEL_ACCOUNT GFP_KERNEL "
    "GFP_NOFS GFP_ATOMIC GFP_NOIO GFP_NOWAIT GFP_DMA"
).split()
#: The names after the composites until 6.14, in the order of mmflags.h.
_OLD_ORDER = (
    "__GFP_HIGHMEM GFP_DMA32 __GFP_HIGH __GFP_ATOMIC __GFP_IO __GFP_FS __GFP_NOWARN __GFP_RETRY_MAYFAIL __GFP_NOFAIL "
    "__GFP_NORETRY __GFP_COMP __GFP_ZERO __GFP_NOMEMALLOC __GFP_MEMALLOC __GFP_HARDWALL __GFP_THISNODE "
    "__GFP_RECLAIMABLE __GFP_MOVABLE __GFP_ACCOUNT __GFP_WRITE __GFP_RECLAIM __GFP_DIRECT_RECLAIM "
    "__GFP_KSWAPD_RECLAIM __GFP_ZEROTAGS __GFP_SKIP_KASAN_POISON"
).split()

GFP_FS = 1 << _BITS.index("FS")
GFP_THISNODE = 1 << _BITS.index("THISNODE")
GFP_HIGHUSER_MOVABLE = "GFP_HIGHUSER_MOVABLE"


@cache
def gfp_masks(rules: Rules) -> dict[str, int]:
    """Every flag name that the release has, and its mask."""
    masks = {f"__GFP_{name}": 1 << bit for bit, name in enumerate(_BITS)}
    if not rules.gfp_atomic:
        del masks["__GFP_ATOMIC"]
    if rules.gfp_zerotags:
        masks["__GFP_ZEROTAGS"] = 0x800000
    if rules.gfp_skip_kasan_poison:
        masks["__GFP_SKIP_KASAN_POISON"] = 0x1000000
    if rules.gfp_no_obj_ext:
        masks["__GFP_NO_OBJ_EXT"] = 0x1000000
    for name, parts in _COMPOSITES.items():
        masks[name] = _union(masks, parts.split("|"))
    masks["GFP_ATOMIC"] = _union(masks, ["__GFP_HIGH", "__GFP_KSWAPD_RECLAIM"]) | masks.get("__GFP_ATOMIC", 0)
    nowarn = masks["__GFP_NOWARN"] if rules.gfp_nowait_nowarn else 0
    masks["GFP_NOWAIT"] = masks["__GFP_KSWAPD_RECLAIM"] | nowarn
    skip_kasan = masks.get("__GFP_SKIP_KASAN_POISON", 0)
    masks[GFP_HIGHUSER_MOVABLE] = _union(masks, ["GFP_HIGHUSER", "__GFP_MOVABLE"]) | skip_kasan
    light = _union(masks, [GFP_HIGHUSER_MOVABLE, "__GFP_COMP", "__GFP_NOMEMALLOC", "__GFP_NOWARN"])
    masks["GFP_TRANSHUGE_LIGHT"] = light & ~masks["__GFP_RECLAIM"]
    masks["GFP_TRANSHUGE"] = masks["GFP_TRANSHUGE_LIGHT"] | masks["__GFP_DIRECT_RECLAIM"]
    return masks


def _union(masks: dict[str, int], names: list[str]) -> int:
    mask = 0
    for name in names:
        mask |= masks[name]
    return mask


def parse_gfp(text: str, rules: Rules) -> int:
    """The mask that flag names like `GFP_KERNEL|__GFP_ZERO` stand for; a part may be a number in hex.

    Raises ValueError for a name that the release has not.
    """
    masks = gfp_masks(rules)
    mask = 0
    for name in (part.strip() for part in text.split("|")):
        if name in masks:
            mask |= masks[name]
        elif re.fullmatch("0x[0-9a-fA-F]{1,8}", name):
            mask |= int(name, 16)
        else:
            raise ValueError(f"no gfp flag of that release: {name[:40] or 'an empty name'}")
    return mask


def format_gfp(mask: int, rules: Rules) -> str:
    """`mask` as printk's `%#x(%pGg)` has it: every name whose bits are all set, the rest in hex.

    Source: format_flags() in lib/vsprintf.c.
    """
    masks = gfp_masks(rules)
    if rules.gfp_bit_order:
        by_bit = sorted((name for name in masks if name.startswith("__GFP_")), key=masks.__getitem__)
        order = ["GFP_DMA32", "__GFP_RECLAIM", *(name for name in by_bit if name != "__GFP_RECLAIM")]
    else:
        order = _OLD_ORDER
    names: list[str] = []
    left = mask
    for name in (*_COMPOSITE_ORDER, *order):
        wanted = masks.get(name, 0)  # 0: a flag of other releases
        if wanted and left & wanted == wanted:
            names.append(name)
            left &= ~wanted
    if left:
        names.append(f"{left:#x}")
    return f"{mask:#x}({'|'.join(names)})"
