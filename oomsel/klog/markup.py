"""What mailers, browsers and editors make of a log's lines: quoted-printable, HTML, other blanks than blanks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from oomsel.klog.patterns import Pattern

#: What quoted-printable makes of a line of the kernel's; the header says it, too.
_QUOTED = Pattern(rb"=3D(?:0x|\(null\)|[0-9/]|CONSTRAINT)|(?i:^content-transfer-encoding: *quoted-printable)")
_ENCODED = Pattern(rb"=([0-9A-F]{2})")
#: An equals sign that quoted-printable would have encoded, or a blank before the one that breaks a line.
_RAW = Pattern(rb"=(?![0-9A-F]{2})| $")
#: The longest line that quoted-printable may have been given.
_LONGEST = 1 << 16
_TAG = Pattern(
    r"</?(?:p|br|pre|div|span|td|tr|th|table|tbody|code|html|body|head|li|ul|ol|tt|font|b|i|samp)(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_BREAK = Pattern(rb"<br ?/?>|</(?:p|div|li|tr)>", re.IGNORECASE)
_IS_HTML = Pattern(
    rb"<br ?/?>\s*$|</(?:p|pre|div|td|li|code)>\s*$|&nbsp;|<br ?/?>.*<br ?/?>"
    rb"|^\s*<(?:p|pre|div|t[drt]|table|span|samp|code|html|body|li)[ >]",
    re.IGNORECASE,
)
_ROW = Pattern(r"(.*?\[[ \t]*[0-9]+\](?:[ \t]+-?[0-9]+)+)[ \t](.*)", re.DOTALL)
_HEADER = Pattern(r".*\[[ \t]*pid[ \t]*\][ \t]+uid\b.*name\s*$", re.DOTALL)
_LONGEST_ROW = 4096
#: Blanks of other widths, and one that must not be broken at: in UTF-8, and in Latin-1.
_BLANK = Pattern(rb"\xc2\xa0|\xe2\x80[\x80-\x8a\xaf]|(?<![\x80-\xff])\xa0")


class Markup:
    """Undoes what a whole text has suffered, from the line on that shows it."""

    def __init__(self) -> None:
        self.is_quoted = False
        self.is_html = False

    def undone(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """The lines as they were, each with the number of the first of those that it was made of."""
        for number, line in self._unquoted(numbered):
            if b"\xa0" in line or b"\xe2\x80" in line:
                line = _plain_blanks(line)  # noqa: PLW2901
            if not self.is_html and b"<" not in line and b"&" not in line:
                yield number, line
                continue
            self.is_html = self.is_html or _IS_HTML.search(line) is not None
            if not self.is_html:
                yield number, line
                continue
            for part in _BREAK.split(line.rstrip(b"\r")) if _BREAK.search(line) else [line]:
                if part or not _BREAK.search(line):
                    yield number, _without_markup(part)

    def _unquoted(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        begun, held = 0, b""
        for number, line in numbered:
            if not self.is_quoted and b"=" in line:
                is_broken = len(line) in (75, 76) and line[-1:] == b"=" != line[-2:-1] and not _RAW.search(line[:-1])
                self.is_quoted = is_broken or _QUOTED.search(line) is not None
            if not self.is_quoted:
                yield number, line
                continue
            begun = begun if held else number
            whole = line.rstrip(b"\r \t") if line.rstrip(b"\r \t").endswith(b"=") else line
            held += whole
            if whole.endswith(b"=") and len(held) < _LONGEST:
                held = held[:-1] or b" "[:0]
                if held:
                    continue
            yield begun, _ENCODED.sub(lambda match: bytes([int(match[1], 16)]), held)
            held = b""
        if held:
            yield begun, _ENCODED.sub(lambda match: bytes([int(match[1], 16)]), held)


def _plain_blanks(line: bytes) -> bytes:
    """A line with blanks for what only looks like them, where there is more than the one that a name may have."""
    found = _BLANK.search(line)
    is_stamps = found is not None and line[max(found.start() - 1, 0) : found.start()] == b"["
    return _BLANK.sub(b" ", line) if is_stamps or len(_BLANK.findall(line)) > 1 else line


def _without_markup(line: bytes) -> bytes:
    import html  # few logs are pages

    text = html.unescape(_TAG.sub("", line.decode("utf-8", "surrogateescape"))).replace("\xa0", " ")
    return text.encode("utf-8", "surrogateescape")


def spaces_for_tabs(text: str) -> str:
    """A row or header of the task table, and what stands before it, with blanks for tabs; a name keeps its own."""
    if len(text) > _LONGEST_ROW:
        return text
    if match := _ROW.fullmatch(text):
        return match[1].replace("\t", " ") + " " + match[2].lstrip("\t")
    return text.replace("\t", " ") if _HEADER.fullmatch(text) else text
