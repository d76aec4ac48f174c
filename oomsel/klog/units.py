"""kB as the kernel prints them, in pages."""

from __future__ import annotations

#: A memory cgroup's `max`, in kB, is about this on any page size: PAGE_COUNTER_MAX.
UNLIMITED_KB = 1 << 52


def pages_of(kb: int, page_size: int) -> int:
    """Whole pages in so many kB."""
    return (kb << 10) // page_size
