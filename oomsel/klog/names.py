"""Names as the kernel's log tools show them.

A comm is up to 15 arbitrary bytes chosen by whoever runs the process, a cgroup's name
nearly so.  Shown raw, it could move the cursor or forge a line of its own; here every
byte that a terminal would act on becomes `\\xNN`, as /dev/kmsg writes it.
"""

from __future__ import annotations

import re

#: Bytes of a comm with the 0 that ends it.
TASK_COMM_LEN = 16

# C0 and C1 controls and DEL; line and paragraph separators and the bidi controls, which
# reorder what stands on a line; and bytes that are no UTF-8 (as surrogateescape holds them).
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_ESCAPE_START = re.compile(r"\\(?=x[0-9a-fA-F]{2})")


def _escape(match: re.Match[str]) -> str:
    raw = match.group().encode("utf-8", "surrogateescape" if match.group() >= "\udc80" else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in raw)


def printable(name: bytes | str) -> str:
    r"""One line of text that shows `name` and makes no terminal do anything.

    >>> printable(b"two\nlines \x1b[31m")
    'two\\x0alines \\x1b[31m'
    """
    text = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(_escape, text)


def comm_to_text(comm: bytes) -> str:
    r"""`comm` as a scenario writes it; `comm_from_text` gives the same bytes back.

    >>> comm_to_text(b"a\nb"), comm_to_text(rb"\x41")
    ('a\\x0ab', '\\x5cx41')
    """
    if b"\\" not in comm:
        return printable(comm)
    return printable(_ESCAPE_START.sub(r"\\x5c", comm.decode("utf-8", "surrogateescape")))


def comm_from_text(text: str) -> bytes:
    r"""The bytes that `text` stands for in a scenario: `\xNN` is one byte, all else itself.

    Any length; the limit of TASK_COMM_LEN - 1 = 15 bytes is the caller's to hold.
    """
    raw = text.encode("utf-8", "surrogatepass")
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), raw)
