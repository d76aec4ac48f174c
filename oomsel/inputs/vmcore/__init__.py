"""A kernel's memory as a scenario: a core dump, /proc/kcore or a QEMU guest; drgn is imported here alone."""
