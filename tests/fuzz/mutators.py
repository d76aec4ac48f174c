"""Ways to damage an input; each takes bytes and a source of chance, and knows of a format what its name says."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.fuzz.hostile import NUMBERS, TEXTS

#: No input is longer than this after its damage.
MOST = 1 << 20
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_KEY = re.compile(rb"(?:(?<=[{,\s-])|^)[A-Za-z_][A-Za-z_0-9]*(?=\s*:(?:\s|$))|\"[^\"\n]{0,40}\"(?=\s*:)", re.MULTILINE)
_WORD = re.compile(rb"[A-Za-z_][A-Za-z_0-9./-]*")

Mutator = Callable[[bytes, Random, Sequence[bytes]], bytes]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _replaced(raw: bytes, match: re.Match[bytes], by: bytes) -> bytes:
    return raw[: match.start()] + by + raw[match.end() :]


def _one_of(pattern: re.Pattern[bytes], raw: bytes, rng: Random) -> re.Match[bytes] | None:
    """A match near a place of chance, without listing all of a long input."""
    found = pattern.search(raw, rng.randrange(len(raw) + 1)) if rng.random() < 0.9 else None
    return found or pattern.search(raw)


def flip(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """Bytes are others."""
    held = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if held:
            held[rng.randrange(len(held))] = rng.randrange(256)
    return bytes(held)


def cut(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """A part is not there: the beginning, the end, or some in between."""
    at, to = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
    return rng.choice((raw[at:], raw[:at], raw[:at] + raw[min(to, at + 300) :]))


def insert(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """Something stands in between: noise, a hostile text, or a byte many times."""
    at = rng.randrange(len(raw) + 1)
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
    many = bytes([rng.randrange(256)]) * rng.choice((10, 1000, 20000))
    return raw[:at] + rng.choice((noise, _utf8(rng.choice(TEXTS)), many)) + raw[at:]


def lines(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """Lines are lost, doubled, swapped, joined, or come from elsewhere."""
    held = raw.split(b"\n")
    one, two = (rng.randrange(len(held)) for _ in range(2))
    kind = rng.randrange(6)
    if kind == 0:
        del held[one : one + rng.choice((1, 1, 3, 20))]
    elif kind == 1:
        held[two:two] = held[one : one + rng.choice((1, 1, 5))] * rng.choice((1, 1, 1, 50))
    elif kind == 2:
        held[one], held[two] = held[two], held[one]
    elif kind == 3:
        held[one : one + 2] = [b"".join(held[one : one + 2])]
    elif kind == 4:
        rng.shuffle(held)
    else:
        other = rng.choice(others).split(b"\n") if others else held
        at = rng.randrange(len(other))
        held[one:one] = other[at : at + rng.choice((1, 3, 30))]
    return b"\n".join(held)


def splice(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """The beginning of one input with the end of another."""
    other = rng.choice(others) if others else raw
    return raw[: rng.randrange(len(raw) + 1)] + other[rng.randrange(len(other) + 1) :]


def number(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """A number is an odd one."""
    for _ in range(rng.choice((1, 1, 1, 3))):
        match = _one_of(_NUMBER, raw, rng)
        if match is not None:
            raw = _replaced(raw, match, _utf8(rng.choice(NUMBERS)))
    return raw


def word(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """A word is a hostile text, as it is, quoted, or as JSON writes it."""
    match = _one_of(_WORD, raw, rng)
    if match is None:
        return raw
    text = rng.choice(TEXTS)
    as_written = (_utf8(text), _utf8(json.dumps(text, ensure_ascii=False)), json.dumps(text).encode())
    return _replaced(raw, match, rng.choice(as_written))


def key(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """A key has another name, a hostile one, or another key's."""
    match = _one_of(_KEY, raw, rng)
    if match is None:
        return raw
    other = _one_of(_KEY, raw, rng)
    assert other is not None
    names = (other[0], _utf8(json.dumps(rng.choice(TEXTS), ensure_ascii=False)), match[0] + b"s", b"7", b"?", b"<<")
    return _replaced(raw, match, rng.choice(names))


def nest(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """Something is nested deeply, or refers to itself."""
    at = rng.randrange(len(raw) + 1)
    deep = rng.choice((60, 65, 1000, 20000))
    forms = (
        b"[" * deep,
        b"[" * deep + b"]" * deep,
        b'{"a":' * deep,
        b"- " * min(deep, 1000),
        b"x: &a [*a, *a]\n",
        b"&a [&b [*a, *a], *b]",
        b"(" * deep,
        b"<b>" * min(deep, 1000),
    )
    return raw[:at] + rng.choice(forms) + raw[at:]


def encoding(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """The text in another encoding, or with what text editors add."""
    text = raw.decode("utf-8", "replace")
    made: Sequence[Callable[[], bytes]] = (
        lambda: text.encode("utf-16"),
        lambda: text.encode("utf-16-le"),
        lambda: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda: text.encode("utf-32"),
        lambda: b"\xef\xbb\xbf" + raw,
        lambda: raw.replace(b"\n", b"\r\n"),
        lambda: raw.replace(b"\n", b"\r"),
        lambda: raw.replace(b" ", b"\xc2\xa0"),
        lambda: raw.replace(b" ", b"\t"),
        lambda: raw + b"\x00" * 100,
        lambda: raw.replace(b"\n", "\u2028".encode()),
        lambda: text.encode("utf-7"),
        lambda: raw.replace(b"a", b"\xff"),
    )
    return rng.choice(made)()


def wrap(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """Each line as something that ships or quotes text has it."""
    held = raw.split(b"\n")
    text = [line.decode("utf-8", "surrogateescape") for line in held]
    made: Sequence[Callable[[], bytes]] = (
        lambda: b"\n".join(b"> " + line for line in held),
        lambda: b"\n".join(b"Aug 12 03:54:01 host kernel: " + line for line in held),
        lambda: b"\n".join(b"6,%d,%d,-;" % (n, n * 1000) + line for n, line in enumerate(held)),
        lambda: b"\n".join(b"<6>" + line for line in held),
        lambda: "\n".join(json.dumps({"log": line, "stream": "stderr"}) for line in text).encode(),
        lambda: "\n".join(json.dumps({"MESSAGE": line, "_TRANSPORT": "kernel"}) for line in text).encode(),
        lambda: json.dumps([{"message": line} for line in text]).encode(),
        lambda: b"".join(b"MESSAGE=" + line + b"\n_TRANSPORT=kernel\n\n" for line in held),
        lambda: b"<pre>" + raw.replace(b"&", b"&amp;").replace(b"<", b"&lt;") + b"</pre>",
        lambda: b"a,b\n" + b"\n".join(b'1,"' + line.replace(b'"', b'""') + b'"' for line in held),
        lambda: raw.replace(b"=", b"=3D"),
        lambda: b"\n".join(line[i : i + 76] for line in held for i in range(0, max(len(line), 1), 76)),
        lambda: b"\n".join(reversed(held)),
        lambda: b"\x1b[33m" + b"\x1b[0m\n\x1b[33m".join(held),
    )
    return rng.choice(made)()


_PACKERS: tuple[Callable[[bytes], bytes], ...] = (
    lambda raw: gzip.compress(raw, 1),
    lambda raw: bz2.compress(raw, 1),
    lambda raw: lzma.compress(raw, preset=0),
    lambda raw: lzma.compress(raw, lzma.FORMAT_ALONE, preset=0),
)


def pack(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """Compressed, perhaps damaged, doubly or as a small bomb."""
    if rng.random() < 0.3:
        raw += rng.choice((b"\0", b"\n", b"a", b"0,")) * rng.choice((1 << 16, 1 << 20, 1 << 22))
    packed = rng.choice(_PACKERS)(raw)
    if rng.random() < 0.2:
        packed = rng.choice(_PACKERS)(packed)
    if rng.random() < 0.4:
        packed = rng.choice((flip, cut))(packed, rng, others)
    return packed + rng.choice((b"", b"", b"", packed, b"trailing"))


def member(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """A bundle with one array damaged, lost, renamed or doubled, and all check sums right."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            held = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # a member that is damaged already
        return flip(raw, rng, others)
    at = rng.randrange(len(held) or 1)
    if not held:
        return raw
    name, content = held[at]
    kind = rng.randrange(6)
    if kind == 0:
        held[at] = (name, rng.choice((flip, cut, insert, number))(content, rng, others))
    elif kind == 1:
        del held[at]
    elif kind == 2:
        held[at] = (rng.choice(("x.npy", "../x.npy", "scenario.npy", "pid.npy", "comm.npy", name * 2)), content)
    elif kind == 3:
        held.append((name, content))  # zipfile warns of two of a name
    elif kind == 4:
        held[at] = (name, held[rng.randrange(len(held))][1])
    else:  # NumPy's header says another type or shape
        forms = ((b"<i8", b"<f8"), (b"<i8", b">i8"), (b"<i8", b"<u8"), (b"<i4", b"<i8"), (b"<i8", b"|O8"),
                 (b"False", b"True"), (b"True", b"False"), (b"shape': (", b"shape': (9"), (b"<i8", b"<M8"))  # fmt: skip
        old, new = rng.choice(forms)
        held[at] = (name, content.replace(old, new, 1))
    out = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive,
    ):
        for name, content in held:
            info = zipfile.ZipInfo(name)
            archive.writestr(info, content)
    return out.getvalue()


def tree(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """A JSON document with one value replaced, lost, doubled or put in another place."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return number(raw, rng, others)
    if raw.count(b"[") + raw.count(b"{") > 20_000:  # perhaps one in the other
        return flip(raw, rng, others)
    places: list[tuple[Any, Any]] = []

    def visit(value: Any) -> None:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for part, below in inner:
            places.append((value, part))
            visit(below)

    visit(data)
    if not places:
        return raw
    holder, part = rng.choice(places)
    kind = rng.randrange(6)
    if kind == 0:
        holder[part] = rng.choice((None, True, "", [], {}, 0, -1, 1.5, 1 << 63, rng.choice(TEXTS), [[]], {"": 0}))
    elif kind == 1:
        del holder[part]
    elif kind == 2 and isinstance(holder, dict):
        holder[rng.choice(TEXTS)] = holder.pop(part)
    elif kind == 3 and isinstance(holder, list):
        holder.append(holder[part])
    elif kind == 4:
        other, elsewhere = rng.choice(places)
        if isinstance(other, dict) and elsewhere in other:
            holder[part] = json.loads(json.dumps(other[elsewhere]))
    else:
        holder[part] = rng.choice(TEXTS)
    return json.dumps(data, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


#: What a spreadsheet takes for a formula: one table in many shows that nothing guards it.
_FORMULAS = tuple(text for text in TEXTS if text.startswith(("=", "+", "-2", "@")))
#: What of a log's line is a name that a user or an administrator has chosen.
_NAME = re.compile(
    rb"(?m)(?<=\()[^()\n]{1,15}(?=\) (?:total-vm|score|sc))|(?<=task=)[^,\n]+|(?<=memcg=)[^,\n]+|(?<=cpuset=)[^,\n]+"
    rb"|(?<= )[^ \n]{1,15}(?= invoked oom-killer)|(?<=Comm: )\S+|(?<=Task in )\S+"
    rb"|(?<=[0-9] )[^ 0-9\n]\S{0,14}$"
)


def name(raw: bytes, rng: Random, others: Sequence[bytes]) -> bytes:
    """A name in a log is a hostile text, in one place or wherever it stands."""
    match = _one_of(_NAME, raw, rng)
    if match is None:
        return raw
    text = _utf8(rng.choice(TEXTS if rng.random() < 0.6 else _FORMULAS))[: rng.choice((15, 15, 400))]
    return raw.replace(match[0], text) if match[0] and rng.random() < 0.7 else _replaced(raw, match, text)


ANY: tuple[Mutator, ...] = (flip, cut, insert, lines, splice, number, number, word, key, nest, encoding, pack)
#: What fits a form best is tried more often.
BY_FORM: dict[str, tuple[Mutator, ...]] = {
    "yaml": (*ANY, number, number, word, word, key, key, lines),
    "json": (*ANY, number, word, key, tree, tree, tree),
    "npz": (flip, cut, member, member, member, member, splice),
    "log": (*ANY, wrap, wrap, lines, lines, number, number, word, name, name, name, name),
    "trace": (*ANY, lines, lines, number, number, number),
    "text": ANY,
}


def mutate(raw: bytes, form: str, rng: Random, others: Sequence[bytes]) -> bytes:
    """`raw`, an input of `form`, damaged once or a few times; `others` are inputs to take parts of."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        raw = rng.choice(BY_FORM[form])(raw, rng, others)[:MOST]
    return raw
