"""The name of who invoked the OOM killer, which a newline in it, an escape or a prefix may have changed."""

from __future__ import annotations

from oomsel.klog.event import OomEvent
from oomsel.klog.prefix import Line, unescape_octal
from oomsel.klog.report_lines import name_at_end, name_bytes, row_name
from oomsel.text import TASK_COMM_LEN


def whole_name(event: OomEvent, comm: bytes, lines: list[Line], keep_source: bool) -> bytes:
    """The name before `invoked`, as the table has it: with the `lines` that went before, or without a prefix."""
    row = event.row_of(event.current.pid) if event.current else None
    names = [row_name(row) for row in ([row] if row else []) + event.rows]
    if comm in names or (comm[:1] == b":" and comm[1:] in names):  # as ABRT quotes
        return comm if comm in names else comm[1:]
    if b"#" in comm and (plain := name_bytes(unescape_octal(comm.decode("utf-8", "surrogateescape")))) in names:
        return plain  # the table comes after what showed that rsyslog wrote it
    before = [name_bytes(line.text) for line in lines]
    for count in range(1, len(before) + 1):
        whole = b"\n".join([*before[-count:], comm])
        if whole in names:
            event.first_line = lines[-count].number
            if keep_source:
                event.source_lines[:0] = [line.raw for line in lines[-count:] if line.raw]
            return whole
    return comm if len(comm) < TASK_COMM_LEN else name_at_end(comm, names)
