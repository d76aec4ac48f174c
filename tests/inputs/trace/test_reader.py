"""Traces as text: every writer's lines, at once or one by one, and what is no trace."""

from __future__ import annotations

import gzip
import lzma
import random
from typing import NamedTuple

import numpy as np
import pytest

from oomsel.errors import InputError
from oomsel.inputs.source import source_of
from oomsel.inputs.trace import reader
from oomsel.inputs.trace.layout import sizes_of
from oomsel.inputs.trace.line import Lost, Update, Victim, may_matter, read_line
from oomsel.inputs.trace.reader import Piece, TraceReader
from oomsel.inputs.trace.stems import Stem
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES
from tests.traces import FORMS, NAMES, Kernel


def items_of(text: bytes) -> list[Piece | Victim | Lost]:
    return list(TraceReader(source_of(text), "trace.txt"))


class Columns(NamedTuple):
    """The updates of a trace; an entry each."""

    time: list[int]
    stem: list[Stem]
    size: list[int]


def columns_of(text: bytes) -> Columns:
    columns = Columns([], [], [])
    for item in TraceReader(source_of(text), "trace.txt"):  # a piece is valid until the next
        if isinstance(item, Piece):
            columns.time.extend(item.time(index) for index in range(len(item.stem)))
            columns.stem.extend(item.stems.stems[number] for number in item.stem.tolist())
            columns.size.extend(item.size.tolist())
    return columns


def error_of(text: bytes) -> str:
    with pytest.raises(InputError) as raised:
        items_of(text)
    (line,) = str(raised.value).split("\n")
    return line


def some_updates(form: str, *, numbered: bool = False, number: int = 500) -> Kernel:
    kernel, chance = Kernel(form=form, cpus=12, numbered=numbered), random.Random(1)  # noqa: S311
    for _ in range(number):
        mm = chance.choice([7, 4294967295, 123456789])
        amount = chance.choice([1, 1, 16, 512, 100000])
        comm = chance.choice(["bash", "a-1 [001] x", "kworker/u4:3", "x" * 15, "9", "", "a 12"])
        pid = chance.choice([1, 77, 99999, 4194304])
        kernel.add(mm, chance.choice(list(NAMES)), amount, cpu=chance.randrange(12), pid=pid, comm=comm)
    return kernel


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("numbered", [False, True])
def test_lines_read_together_are_those_read_one_by_one(form: str, numbered: bool) -> None:
    kernel = some_updates(form, numbered=numbered)
    columns = columns_of(kernel.text())
    for line, time, stem, size in zip(kernel.lines[1:], *columns, strict=True):
        update = read_line(line.encode())
        assert update == (time, stem.cpu, stem.mm_id, stem.curr, stem.member, size)
        assert isinstance(update, Update)
        assert stem._replace(comm=b"") == Stem.of(line.encode(), update)._replace(comm=b"")


@pytest.mark.parametrize("form", FORMS)
def test_most_lines_are_read_together(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is left to read one by one is what stands at the very end."""
    one_by_one: list[bytes] = []

    def counted(line: bytes) -> bool:
        one_by_one.append(line)
        return may_matter(line)

    monkeypatch.setattr(reader, "may_matter", counted)
    kernel = some_updates(form, number=3000)
    assert len(columns_of(kernel.text()).time) == 3000
    assert len(one_by_one) <= 60


def test_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk ends in the middle of a line."""
    kernel = some_updates("ftrace", number=20_000)
    text = kernel.text()
    assert len(text) > 1 << 20
    columns = columns_of(text)
    sizes = [int(line.rpartition("=")[2].rstrip("B")) for line in kernel.lines[1:]]
    assert columns.size == sizes


@pytest.mark.parametrize("packed", [gzip.compress, lzma.compress])
def test_compressed(packed: object) -> None:
    kernel = some_updates("ftrace")
    assert len(columns_of(packed(kernel.text())).time) == 500  # type: ignore[operator]


def test_the_last_line_may_lack_its_newline_and_lines_may_end_in_cr() -> None:
    kernel = some_updates("ftrace")
    assert len(columns_of(kernel.text().rstrip(b"\n")).time) == 500
    assert columns_of(kernel.text().replace(b"\n", b"\r\n")).size == columns_of(kernel.text()).size


@pytest.mark.parametrize(
    ("line", "cpus"),
    [("# entries-in-buffer/entries-written: 12/12   #P:2", 2), ("cpus=16", 16), ("# tracer: nop", None)],
)
def test_cpus(line: str, cpus: int | None) -> None:
    kernel = some_updates("trace-cmd report")
    kernel.lines[0] = line
    assert TraceReader(source_of(kernel.text()), "x").cpus == cpus


@pytest.mark.parametrize(
    ("line", "cpu"),
    [
        ("CPU:1 [LOST 123 EVENTS]", 1),
        ("CPU:11 [23 EVENTS DROPPED]", 11),
        ("CPU:0 [EVENTS DROPPED]", 0),
        ("bash   77 [000] 1.000001: PERF_RECORD_LOST lost 12", None),
    ],
)
def test_losses_stand_between_what_they_are_between(line: str, cpu: int | None) -> None:
    kernel = Kernel()
    kernel.add(1, MM_ANONPAGES, 1)
    kernel.say(line)
    kernel.add(1, MM_ANONPAGES, 2)
    before, lost, after = items_of(kernel.text())
    assert isinstance(before, Piece)
    assert isinstance(after, Piece)
    assert lost == Lost(cpu)
    assert (before.size.tolist(), after.size.tolist()) == ([4096], [12288])


@pytest.mark.parametrize("size", ["0", "7", "4096", "12345678", "123456789", "999999999999999", "-4096", "x4096", ""])
@pytest.mark.parametrize("before", ["size=", "5ize ", "ze=1="])
def test_sizes(size: str, before: str) -> None:
    text = np.frombuffer(f"{'9' * 30}{before}{size}B\n".encode(), np.uint8)
    (value,), _, (is_size,) = sizes_of(text, np.array([len(text) - 1]))
    assert is_size == (before.endswith("=") and size.isdecimal())
    assert not is_size or value == int(size)


def test_victims() -> None:
    old = b"   oomd-5  [000] ..... 7.000001: mark_victim: pid=77"
    assert read_line(old) == Victim(7_000_001_000, 77, None, None, None)
    new = (
        b" oomd 5 [000] 7.000001: oom:mark_victim: pid=77 comm=hog) S pid=1 total-vm=40960kB anon-rss=20000kB"
        b" file-rss:1200kB shmem-rss:16kB uid=0 pgtables=64kB oom_score_adj=-17"
    )
    kb = {MM_ANONPAGES: 20000, MM_FILEPAGES: 1200, MM_SHMEMPAGES: 16}
    assert read_line(new) == Victim(7_000_001_000, 77, b"hog) S pid=1", kb, -17)


@pytest.mark.parametrize(
    "line",
    [
        b"            bash-100     [000] .....  1000.000007: tracing_mark_write: rss_stat: mm_id=1 curr=1 size=4096B",
        b"            bash-100     [000] .....  1000.000007: sched_switch: prev_comm=rss_stat: mm_id=1",
        b"CPU:1 hello EVENTS",
        b"",
    ],
)
def test_other_events_are_none_of_ours(line: bytes) -> None:
    assert read_line(line) is None
    kernel = Kernel()
    kernel.add(1, MM_ANONPAGES, 1)
    text = kernel.text() + line + b"\n"
    assert len(columns_of(text).time) == 1


@pytest.mark.parametrize("cpu", [b"[00000]", b"[-1]", b""])
def test_an_event_without_a_cpu_is_not_left_out_unsaid(cpu: bytes) -> None:
    kernel = Kernel()
    kernel.add(1, MM_ANONPAGES, 1)
    line = b" bash-100 " + cpu + b" .....  1000.000007: rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=4096B"
    assert "an rss_stat event that cannot be read" in error_of(kernel.text() + line + b"\n")


@pytest.mark.parametrize("noise", [b"&a [*a]", b"x", b" ", b"\0"])
@pytest.mark.parametrize("place", [b" size=", b"ze=", b"PAGES", b"="])
def test_a_line_with_noise_before_its_size_is_not_taken_for_one_like_the_others(noise: bytes, place: bytes) -> None:
    kernel = Kernel()
    for _ in range(40):
        kernel.add(7, MM_ANONPAGES, 1)
    lines = kernel.text().split(b"\n")
    before, _, after = lines[30].rpartition(place)
    lines[30] = before + noise + place + after
    assert "an rss_stat event that cannot be read" in error_of(b"\n".join(lines))


def test_a_time_that_is_none_is_told_when_it_is_asked_for() -> None:
    kernel = Kernel()
    for _ in range(40):
        kernel.add(7, MM_ANONPAGES, 1)
    lines = kernel.text().split(b"\n")
    before, dot, after = lines[30].rpartition(b".")
    lines[30] = before + dot + b"x" + after[1:]
    piece = next(iter(TraceReader(source_of(b"\n".join(lines)), "trace.txt")))
    assert isinstance(piece, Piece)
    assert piece.time(0) < piece.time(28)
    with pytest.raises(InputError, match=r"trace\.txt:31: an rss_stat event that cannot be read"):
        piece.time(29)


def test_lines_too_short_to_matter_are_not_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def told(line: bytes) -> bool:
        asked.append(line)
        return may_matter(line)

    monkeypatch.setattr(reader, "may_matter", told)
    text = some_updates("ftrace", number=50).text()
    assert items_of(text + b"\n\n \n" * 1000)
    assert b"" not in asked
    assert b" " not in asked


def test_damaged_and_cut() -> None:
    kernel = some_updates("ftrace", number=50)
    text = kernel.text()
    cut = text[: text.rindex(b"size=") + 3]
    what = "an rss_stat event that cannot be read; the trace is cut or damaged"
    assert error_of(cut + b"\n") == f"trace.txt:51: {what}"
    lines = kernel.lines
    for damage in ("type=MM_", "size=", "curr=", "mm_id="):
        damaged = [*lines[:20], lines[20].replace(damage, "\x1b"), *lines[21:]]
        assert error_of("".join(f"{line}\n" for line in damaged).encode()) == f"trace.txt:21: {what}"
    assert error_of(text.replace(b"MM_", b"XX_")).startswith("trace.txt:2: an rss_stat event")
    assert "its compression is broken" in error_with_source(lzma.compress(text)[:-20])


def error_with_source(raw: bytes) -> str:
    from oomsel.inputs.source import bytes_source

    with pytest.raises(InputError) as raised, bytes_source(raw, "trace.txt") as stream:
        list(TraceReader(stream, "trace.txt"))
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no kmem:rss_stat event in it; record it with trace-cmd record -e kmem:rss_stat -e oom:mark_victim"),
        (b"oomsel: 1\nmachine: {cpus: 4}\n", "no kmem:rss_stat event in it"),
        (b"# tracer: nop\n#\n", "no kmem:rss_stat event in it"),
        (b"\x17\x08\x44tracing6\x00", "a trace.dat of trace-cmd; give what `trace-cmd report` prints of it"),
        (b"PERFILE2" + bytes(100), "a perf.data file; give what `perf script` prints of it"),
        (bytes(3 << 20), "no trace: a line of more than 256 KiB"),
    ],
)
def test_foreign(content: bytes, says: str) -> None:
    assert says in error_of(content)


def test_any_bytes_are_read_or_refused() -> None:
    """Whatever a byte is changed to: an error with its line, or the other lines' events."""
    chance = random.Random(2)  # noqa: S311
    text = some_updates("ftrace", number=30).text()
    for _ in range(400):
        at = chance.randrange(len(text))
        changed = text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
        try:
            events = len(columns_of(changed).time)
        except InputError as error:
            said = str(error)
            assert said.startswith("trace.txt:")
        else:
            assert events in (29, 30)
