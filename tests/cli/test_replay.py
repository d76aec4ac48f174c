"""`oomsel replay`: the table, CSV and JSON, a moment, a scenario, other designs, victims, and what it refuses."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
from pathlib import Path

import pytest

import oomsel
from oomsel.kernel.percpu_counter import MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES
from tests.running import run
from tests.support import DATA
from tests.traces import Kernel

WALK = DATA / "trace" / "walk.txt.xz"


#: What is noted where --at is after the trace's end.
ENDS = "oomsel: -: note: the trace ends at {} seconds, before the moment asked for; this is its end\n"


def small() -> Kernel:
    """A hog on two CPUs from its beginning, a daemon from mid-life."""
    kernel = Kernel()
    kernel.add(2, MM_ANONPAGES, 5000, pid=50, comm="daemon")
    del kernel.lines[1:]
    kernel.exec(1, pid=77, comm="hog")
    for cpu in (0, 1):
        for _ in range(40):
            kernel.add(1, MM_ANONPAGES, 1, cpu=cpu, pid=77, comm="hog")
    kernel.add(1, MM_FILEPAGES, 30, pid=77, comm="hog")
    for _ in range(2):
        kernel.add(2, MM_ANONPAGES, 500, pid=50, comm="daemon")
    kernel.add(2, MM_ANONPAGES, 500, cpu=1, pid=50, comm="daemon")
    return kernel


def replay(kernel: Kernel, *words: object) -> str:
    ran = run("replay", "-", *words, stdin=kernel.text())
    assert (ran.status, ran.err) in ((0, ""), (0, ENDS.format(kernel.end)))
    return ran.out


def test_the_table() -> None:
    assert replay(small(), "--at", "2000") == (
        "RSS in pages (anon + file + shmem) as each design reads it; error is what it\n"
        "reads minus the truth.\n"
        "seconds: 1000.000602\n"
        "design: percpu\n"
        "pid name   reads truth error bound known\n"
        " 77 hog       64   111   -47  ±186 (1)\n"
        " 50 daemon  6500  6500     0   ±62 (2)\n"
        "(1): exact, from its beginning\n"
        "(2): exact by now; no file, shmem yet\n"
    )


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_compressed_from_a_file(tmp_path: Path, pack: object) -> None:
    file = tmp_path / "trace"
    file.write_bytes(pack(small().text()))  # type: ignore[operator]
    ran = run("replay", file, "--at", "2000")
    assert ran.out == replay(small(), "--at", "2000")


def test_over_time_as_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(replay(small(), "--every", "0.0001", "--format", "csv"))))
    hog = [row for row in rows if row["pid"] == "77"]
    assert [row["seconds"] for row in hog] == [f"1000.000{n}00" for n in range(1, 6)] + ["1000.000600"]
    truths = [int(row["truth"]) for row in hog]
    assert truths == sorted(truths)
    for row in hog:
        error = int(row["read_low"]) - int(row["truth"])
        assert (row["read_high"], row["error_low"], row["error_high"]) == (row["read_low"], str(error), str(error))
        assert row["known"] == "exact, from its beginning"


def test_the_recorded_trace() -> None:
    ran = run("replay", WALK, "--format", "json")
    assert ran.status == 0
    found = json.loads(ran.out)
    assert (found["cpus"], found["batch"], found["updates"], found["victims"]) == (2, 32, 11982, [])
    walk = [row for row in found["rows"] if row["pid"] == 24192]
    assert len({row["seconds"] for row in found["rows"]}) <= 11
    assert {row["known"] for row in walk} == {"exact, from its beginning"}
    assert {row["known"] for row in found["rows"] if row["pid"] == 24188} == {"a range: seen from mid-life"}


@pytest.mark.parametrize("form", ["yaml", "json", "npz"])
def test_the_moment_as_a_scenario(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"moment.{form}"
    replay(small(), "-o", file, "--ram", "1GiB", "--kernel", "6.12")
    scenario = oomsel.load(str(file))
    assert (scenario.kernel, scenario.machine.ram, scenario.machine.batch) == ("6.12", 1 << 18, 32)
    approximate = oomsel.select(scenario, mode="approximate")
    precise = oomsel.select(scenario, mode="precise")
    rows = {int(task.pid): index for index, task in enumerate(scenario.tasks)}
    assert rows.keys() == {50, 77}
    assert approximate.points[rows[77]] == 64
    assert precise.points[rows[77]] == 111


def test_a_scenario_says_what_it_does_not_know() -> None:
    kernel = small()
    kernel.add(3, MM_ANONPAGES, 4000, pid=60, comm="vague")
    ran = run("replay", "-", "-o", "-", stdin=kernel.text())
    assert (ran.status, ran.err) == (0, "")
    scenario = oomsel.loads(ran.out)
    assert scenario.description is not None
    assert "machine.ram is a guess" in scenario.description
    lines = scenario.description.split("\n")
    assert "what each CPU holds is not known of these, whose counts are the precise sums: 60 (vague)" in lines
    assert "no event tells some counters of these, which are left at 0: 50 (daemon), 60 (vague)" in lines


def test_other_designs() -> None:
    words = [word for name in ("split", "percpu", "pernode", "tree") for word in ("--design", name)]
    out = replay(small(), "--at", "2000", "--format", "json", *words)
    hog = {row["design"]: row for row in json.loads(out)["rows"] if row["pid"] == 77}
    assert {name: row["read_low"] for name, row in hog.items()} == {
        "split": 66,
        "percpu": 64,
        "pernode": 64,
        "tree": 64,
    }
    assert {row["truth"] for row in hog.values()} == {111}


def victim_of(told: str) -> str:
    return f"       hog-77      [000] .....  1000.000900: mark_victim: pid=77{told}"


STILL = "From 7.0 on the event still reads approximately while the kernel's report is precise."
DIFFERS = "Replayed, the counters read 64: not the same."
TOLD = " comm=hog total-vm=4096kB anon-rss={}kB file-rss:0kB shmem-rss:0kB uid=0 pgtables=4kB oom_score_adj=0"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (
            TOLD.format(64 * 4),
            f"read 64 pages, 47 too few: by the updates it had 111. {STILL}",
        ),
        (
            TOLD.format(128 * 4),
            f"read 128 pages, 17 too many: by the updates it had 111. {STILL} {DIFFERS}",
        ),
        ("", "tells no sizes, as before 6.8; by the updates it had 111."),
    ],
)
def test_a_victim_is_evidence(told: str, says: str) -> None:
    kernel = small()
    kernel.add(1, MM_SHMEMPAGES, 1, pid=77, comm="hog")
    kernel.add(1, MM_SHMEMPAGES, -1, pid=77, comm="hog")
    kernel.say(victim_of(told))
    sentence = f"1000.000900: oom:mark_victim: pid 77 (hog) {says}"
    assert sentence in replay(kernel).replace("\n", " ")
    ran = run("replay", "-", "--format", "csv", stdin=kernel.text())
    assert f"note: {sentence}\n" in ran.err
    (victim,) = json.loads(replay(kernel, "--format", "json"))["victims"]
    assert (victim["pid"], victim["truth"]) == (77, 111)


def test_a_victim_without_updates() -> None:
    ran = run("replay", "-", "--cpus", "4", stdin=victim_of(TOLD.format(400)).encode())
    assert ran.status == 0
    said = "read 100 pages; the trace does not say how many it had. From 7.0 on the kill line does, precisely."
    assert said in ran.out.replace("\n", " ")


def test_before_6_2_a_size_is_what_is_read() -> None:
    kernel = Kernel(numbered=True)
    kernel.exec(1, pid=77)
    kernel.add(1, MM_ANONPAGES, 20, pid=77)
    ran = run("replay", "-", "--at", "2000", stdin=kernel.text())
    assert "design: split\npid name reads truth error bound known\n 77 bash    21     ?     ?  none (1)\n" in ran.out
    assert "(1): what is read; threads hold back more\n" in ran.out
    assert ran.err.endswith("what threads hold back is not in the trace\n")
    refused = run("replay", "-", "--design", "tree", stdin=kernel.text())
    assert (refused.status, refused.out) == (2, "")
    assert refused.err.endswith("it cannot be replayed as tree\n")
    told = run("replay", "-", "--kernel", "6.1", "--at", "2000", stdin=small().text())
    assert "split" in told.out


def test_before_6_2_a_scenario_holds_what_is_read(tmp_path: Path) -> None:
    file = str(tmp_path / "then.yaml")
    run("replay", "-", "--kernel", "6.1", "-q", "-o", file, stdin=small().text())
    text = Path(file).read_text()
    assert "deltas" not in text
    assert "precise" not in text
    assert "what threads hold back is not in the trace" in text
    assert "rss: {anon: 81, file: 30}" in text


HOSTILE = ["=cmd|' /C x'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\x1b[31m", '"a,b', "a\rb"]


@pytest.mark.parametrize("comm", HOSTILE)
def test_hostile_names(comm: str) -> None:
    kernel = Kernel()
    kernel.exec(1, pid=77, comm=comm)
    kernel.add(1, MM_ANONPAGES, 20, pid=77, comm=comm)
    out = replay(kernel, "--at", "2000", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["pid"] == "77"
    assert row["name"][0] not in "=+-@\t\r"
    assert "\x1b" not in out
    assert not set("\x1b\r\t") & set(replay(kernel))
    (found,) = json.loads(replay(kernel, "--at", "2000", "--format", "json"))["rows"]
    assert found["pid"] == 77


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        (b"", [], "-: no kmem:rss_stat event in it; "),
        (b"oomsel: 1\n", ["--cpus", "2"], "-: no kmem:rss_stat event in it; "),
        (small().text().partition(b"\n")[2], [], "-: the trace does not say how many CPUs were online; state it with"),
        (small().text()[:-4] + b"\n", [], "-:86: an rss_stat event that cannot be read; the trace is cut or damaged"),
        (small().text(), ["--cpus", "1"], "-: CPU 1 in a trace of 1 CPU; state with --cpus how many were online"),
        (small().text(), ["--page-size", "65536"], "-: a size of 4096 bytes is no whole number of pages of 65536"),
        (small().text(), ["--at", "3"], "-: no event up to 3.000000 seconds"),
        (small().text(), ["--at", "3", "--every", "1"], "--at and --every: one moment or many"),
        (small().text(), ["--at", "nan"], "--at: nan is no number of seconds"),
        (small().text(), ["--at", "inf"], "--at: inf is no number of seconds"),
        (small().text(), ["--every", "nan"], "--every: nan is no number of seconds"),
        (small().text(), ["--every", "inf"], "--every: inf is no number of seconds"),
        (small().text(), ["--batch", str((1 << 31) - 1)], "--batch"),
        (small().text() + bytes(3 << 20), [], "-:87: no trace: a line of more than 256 KiB"),
        (small().text(), ["--ram", "much", "-o", "x.yaml"], "--ram: much is not a quantity of memory"),
        (small().text(), ["--kernel", "six"], "--kernel: six is no kernel release"),
        (lzma.compress(small().text())[:-9], [], "-: its compression is broken"),
        (b"PERFILE2" + bytes(64), [], "-: a perf.data file; give what `perf script` prints of it"),
    ],
)
def test_refused(text: bytes, words: list[str], says: str) -> None:
    ran = run("replay", "-", *words, stdin=text)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("left", [1, 4, 20, 50, 60])
def test_a_last_line_that_is_cut_is_told_and_the_rest_is_used(left: int) -> None:
    kernel = small()
    whole = run("replay", "-", stdin=kernel.text().removesuffix(kernel.lines[-1].encode() + b"\n"))
    ran = run("replay", "-", stdin=kernel.text()[: -1 - left])
    assert (ran.status, ran.out) == (0, whole.out)
    assert ran.err == f"{whole.err}oomsel: -: note: line 86, the last one, is cut off, and left out\n"


@pytest.mark.parametrize("end", [b"", b"\n# the end"])
def test_a_last_line_without_its_newline_is_whole(end: bytes) -> None:
    raw = small().text()
    assert run("replay", "-", stdin=raw.removesuffix(b"\n") + end) == run("replay", "-", stdin=raw)


@pytest.mark.parametrize("at", ["1001", "1e9", "1e300"])
def test_a_moment_after_the_end_is_told(at: str, tmp_path: Path) -> None:
    kernel = small()
    path = tmp_path / "s.yaml"
    ran = run("replay", "-", "--at", at, "-o", path, "--ram", "1GiB", stdin=kernel.text())
    assert (ran.status, ran.err) == (0, ENDS.format(kernel.end))
    assert f"seconds: {kernel.end}\n" in ran.out
    assert kernel.end in path.read_text()
    exact = run("replay", "-", "--at", kernel.end, stdin=kernel.text())
    assert (exact.out, exact.err) == (ran.out, "")


def test_lost_events_are_told() -> None:
    kernel = small()
    kernel.say("CPU:1 [LOST 12 EVENTS]")
    kernel.add(1, MM_ANONPAGES, 1, pid=77, comm="hog")
    ran = run("replay", "-", "--at", "2000", stdin=kernel.text())
    assert "a range: events were lost; no file, shmem yet" in ran.out
    assert ran.err.endswith(
        "oomsel: -: note: events are lost in 1 place; what they touch is known again only as a range\n"
    )


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_of_a_trace_that_cannot_be_read_nothing_is_printed(form: str) -> None:
    text = small().text() + b" bash-1 [000] ..... 1000.9: rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES si\n"
    ran = run("replay", "-", "--format", form, stdin=text)
    assert (ran.status, ran.out) == (2, "")


def test_a_size_beyond_all_memory_takes_none() -> None:
    kernel = small()
    first = kernel.text()
    line = b" daemon-50 [000] ..... 1000.900000: rss_stat: mm_id=2 curr=1 type=MM_ANONPAGES size=1125899906842624B\n"
    ran = run("replay", "-", stdin=first + line)
    assert (ran.status, ran.err) == (0, "")
    assert "274877906944" in ran.out
