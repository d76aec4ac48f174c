"""What text stands for: what an output may show, quantities of memory, lists of numbers, aligned columns.

A comm is up to 15 arbitrary bytes chosen by the user who runs the process, a cgroup's name
nearly so.  Shown raw, it could move the cursor or forge a line of its own; here every
byte that a terminal would act on becomes `\\xNN`, as /dev/kmsg writes it.  A writer shows a
name by `printable`; every text goes out by `shown`, for what a writer has forgotten.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: A uid, or a column of them.
Uid = TypeVar("Uid", int, "npt.NDArray[np.int64]")

#: Bytes of a comm with the 0 that ends it.
TASK_COMM_LEN = 16

# C1 controls and DEL; line and paragraph separators and the bidi controls, which reorder what
# stands on a line; and bytes that are no UTF-8 (as surrogateescape holds them).
_ACTIVE = "\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNPRINTABLE = re.compile(f"[\x00-\x1f{_ACTIVE}]")
_UNPRINTABLE_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_ACTIVE}]")
_UNPRINTABLE_IN_JSON = re.compile(f"[{_ACTIVE}\ufeff\ufffe\uffff]")  # the last three are none of YAML's
#: What a CI runner that reads a log takes for a command: `::name` after blanks at the beginning of a line,
#: and `##[name]`, `##vso[...]` or `##teamcity[...]` anywhere.
_CI_LINE = re.compile(r"^([^\S\n]*):(?=:[A-Za-z])", re.MULTILINE)
_CI_MARK = re.compile(r"#(?=#[a-z]{0,16}\[)")
_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_ESCAPE_START = re.compile(r"\\(?=x[0-9a-fA-F]{2})")

#: Quantities stay below this many pages in magnitude, so that no sum leaves 64 bits.
MAX_PAGES = 1 << 51
#: The highest CPU number: NR_CPUS is at most 8192 on any architecture.
MAX_CPU = 8191
#: The highest node number: MAX_NUMNODES is at most 1024.
MAX_NODE = 1023

#: Page sizes that a machine may have, in bytes.
PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)

#: Of a number of 64 bits, with its sign and some leading zeros or blanks.
_MOST_DIGITS = 32

_SHIFT = {"k": 10, "m": 20, "g": 30, "t": 40}
_QUANTITY = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))? ?(pages|[kmgt]i?b)", re.IGNORECASE | re.ASCII)
_BARE_FRACTION = re.compile(r"[+-]?[0-9]*\.[0-9]*")
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+)(?::([0-9]+)/([0-9]+))?)?")
_UNITS = "kB, KiB, MB, MiB, GB, GiB, TB, TiB or pages"
#: A memory cgroup's `max`, in kB, is about this on any page size: PAGE_COUNTER_MAX.
UNLIMITED_KB = 1 << 52

#: What a spreadsheet takes for a formula, at the beginning of a text cell; the last four are full-width forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


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


def shown(text: str) -> str:
    r"""Lines of text as they may go out: but for newlines and tabs as `printable`, and no command of a CI runner.

    Text that is escaped already comes back as it is.

    >>> shown("one\x1b[2J\n::add-mask::two ##[add-mask]three\n")
    'one\\x1b[2J\n\\x3a:add-mask::two \\x23#[add-mask]three\n'
    """
    if "::" in text:
        text = _CI_LINE.sub(r"\1\\x3a", text)
    if "##" in text:
        text = _CI_MARK.sub(r"\\x23", text)
    return safe_lines(text)


def safe_lines(text: str) -> str:
    """As `shown`, but commands of a CI runner stay: the kernel's own lines, character by character."""
    return _UNPRINTABLE_IN_LINES.sub(_escape, text)


def comm_to_text(comm: bytes) -> str:
    r"""`comm` as a scenario writes it; `comm_from_text` gives the same bytes back.

    >>> comm_to_text(b"a\nb"), comm_to_text(rb"\x41")
    ('a\\x0ab', '\\x5cx41')
    """
    text = comm.decode("utf-8", "surrogateescape")
    if "\\" in text:
        text = _ESCAPE_START.sub(r"\\x5c", text)
    return printable(_CI_MARK.sub(r"\\x23", text) if "##" in text else text)


def process_name(pid: int, comm: bytes | str) -> str:
    """A process as a sentence names it.

    >>> process_name(247, b"over")
    '247 (over)'
    """
    return f"{pid} ({printable(comm)})"


def number_of(number: int, what: str) -> str:
    """A number of things; `what` is one of them.

    >>> number_of(1, "task"), number_of(2, "process"), number_of(0, "CPU")
    ('1 task', '2 processes', '0 CPUs')
    """
    return f"{number} {what}{'' if number == 1 else 'es' if what.endswith('ss') else 's'}"


def process_object(pid: int, comm: bytes) -> dict[str, int | str]:
    """A process as JSON names it."""
    return {"pid": pid, "comm": comm_to_text(comm)}


def comm_from_text(text: str) -> bytes:
    r"""The bytes that `text` stands for in a scenario: `\xNN` is one byte, all else itself.

    Any length; the limit of TASK_COMM_LEN - 1 = 15 bytes is the caller's to hold.
    """
    raw = text.encode("utf-8", "surrogatepass")
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), raw)


def parse_quantity(text: str, page_size: int) -> int:
    """Pages that a text like `1.5GiB` stands for.

    Raises ValueError, saying what is wrong and what would be right, where it has no
    unit, is no whole number of pages of `page_size` bytes, or is 2^51 pages or more.

    >>> parse_quantity("100 kB", 4096), parse_quantity("-1.5GiB", 4096)
    (25, -393216)
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= 80 else None
    if match is None:
        if _BARE_FRACTION.fullmatch(text):
            raise ValueError(f"a fraction without a unit; use whole pages or a unit: {_UNITS}")
        if re.fullmatch(r"[+-]?[0-9]+", text):
            raise ValueError(f"a text without a unit; use a plain number of pages, or add a unit: {_UNITS}")
        raise ValueError(f"not a quantity of memory; use a number of pages, or a number with {_UNITS}")
    sign, whole, fraction, unit = match.groups("")
    scale = 10 ** len(fraction)
    unit_bytes = page_size if unit.lower() == "pages" else 1 << _SHIFT[unit[0].lower()]
    pages, rest = divmod(int(whole + fraction) * unit_bytes, page_size * scale)
    if rest:
        raise ValueError(f"not a whole number of pages; use a multiple of {page_size >> 10} kB")
    return check_pages(-pages if sign == "-" else pages)


def whole_number(digits: str | bytes, base: int = 10) -> int:
    """The whole number that an input states, of at most 64 bits and their sign.

    Raises ValueError for what is none or has more digits than that: int() takes quadratic time
    over them, and gives up in words of its own.

    >>> whole_number("-42"), whole_number(b"ff", 16)
    (-42, 255)
    """
    if len(digits) > _MOST_DIGITS:
        raise ValueError("more digits than a number of 64 bits has")
    return int(digits, base)


def check_pages(pages: int) -> int:
    """`pages`, or ValueError where it is 2^51 or more in magnitude."""
    if not -MAX_PAGES < pages < MAX_PAGES:
        raise ValueError("out of range; stay below 2^51 pages (8 EiB of 4 kB pages)")
    return pages


def parse_list(text: str, limit: int = MAX_CPU) -> list[int]:
    """Numbers of a list in the kernel's form, as `cpulist_parse()` and `nodelist_parse()` read it.

    Raises ValueError for a number above `limit`, stated twice, or anything else the form
    has not; allocates no more than `limit` numbers.

    >>> parse_list("0-3,8,16-31:2/4")
    [0, 1, 2, 3, 8, 16, 17, 20, 21, 24, 25, 28, 29]
    """
    numbers: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part) if len(part) <= 64 else None
        if match is None:
            what = "a list with a blank in it" if " " in part or "\t" in part else "no list of numbers"
            raise ValueError(f"{what}; use the kernel's form, like 0-3,8,10-15 or 0-31:2/4")
        first, last, used, group = (int(number) if number else None for number in match.groups())
        assert first is not None
        end = first if last is None else last
        if max(first, end) > limit:
            raise ValueError(f"{max(first, end)} is above {limit}, the highest number there can be")
        if end < first:
            raise ValueError(f"a list with the range {part}, which runs backwards; state the lower number first")
        if used is None or group is None:
            numbers += range(first, end + 1)
            if len(numbers) > limit + 1:  # some number is there twice: stop before the list grows
                break
            continue
        if not 0 < used <= group:
            raise ValueError(f"a list with the stride {part}, which is none; USED/GROUP needs 0 < USED <= GROUP")
        numbers += (number for number in range(first, end + 1) if (number - first) % group < used)
    return check_list(numbers, limit)


def check_list(numbers: list[int], limit: int = MAX_CPU) -> list[int]:
    """`numbers`, or ValueError where the list holds one twice or one out of range."""
    for number in numbers:
        if not 0 <= number <= limit:
            raise ValueError(f"{number} is out of range; numbers go from 0 to {limit}")
    if len(set(numbers)) != len(numbers):
        times = Counter(numbers)
        twice = next(number for number in numbers if times[number] > 1)
        raise ValueError(f"{twice} is stated twice; name each number once")
    return numbers


def pages_of(kb: int, page_size: int) -> int:
    """Whole pages in so many kB."""
    return (kb << 10) // page_size


def list_or_none(text: str, limit: int = MAX_CPU) -> list[int] | None:
    """As `parse_list`, None for what is no list."""
    try:
        return parse_list(text, limit)
    except ValueError:
        return None


def format_numbers(numbers: Iterable[int]) -> str:
    """The numbers as the kernel's `%*pbl` prints them: ranges, ascending; empty for none.

    >>> format_numbers([0, 1, 2, 8])
    '0-2,8'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in parts)


def signed_uid(uid: Uid) -> Uid:
    """A uid of 0 to 2^32 - 1 as `%d` prints it: the OOM killer's lines show the 32 bits as a signed number.

    >>> signed_uid(1000), signed_uid(4294967294)
    (1000, -2)
    """
    return (uid + (1 << 31)) % (1 << 32) - (1 << 31)


def unsigned_uid(uid: Uid) -> Uid:
    """The uid that `%d` printed as `uid`; one that is not negative, or no number of 32 bits, is itself.

    >>> unsigned_uid(1000), unsigned_uid(-2)
    (1000, 4294967294)
    """
    return uid + ((uid < 0) & (uid >= -(1 << 31))) * (1 << 32)


def mebibytes(size: int) -> str:
    """A number of bytes in MiB.

    >>> mebibytes(47_000_000)
    '44.8 MiB'
    """
    return f"{size / (1 << 20):.1f} MiB"


def is_below(path: str, top: str) -> bool:
    """Whether a cgroup's path is `top` or below it."""
    return f"{path}/".startswith(f"{top.rstrip('/')}/")


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that a misspelt one was meant to be, None if none is like it."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)


def json_text(value: object) -> str:
    """Plain data as JSON for a person or a program to read, with a newline at its end."""
    import json

    return json_escaped(json.dumps(value, indent=2, ensure_ascii=False)) + "\n"


def json_escaped(text: str) -> str:
    r"""JSON in which everything that an output or a CI runner would act on is written as JSON's escape.

    >>> json_escaped('"##[add-mask]"')
    '"\\u0023#[add-mask]"'
    """
    if "##" in text:
        text = _CI_MARK.sub(r"\\u0023", text)
    return _UNPRINTABLE_IN_JSON.sub(lambda char: f"\\u{ord(char[0]):04x}", text)


def spreadsheet_text(text: str) -> str:
    """Text for a cell: an apostrophe keeps a spreadsheet from executing what a process calls itself.

    >>> spreadsheet_text("=1+1"), spreadsheet_text("bash")
    ("'=1+1", 'bash')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
