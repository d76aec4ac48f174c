"""The table form of `tasks`: every layout, loggers' prefixes, and `more`."""

from __future__ import annotations

import json
from textwrap import indent

import pytest

import oomsel
from oomsel.scenario.models import Counter, Rss, Task, Thread
from tests.scenario.test_errors import complete
from tests.support import DATA, errors_of


def read(table: str, more: str = "", machine: str = "") -> tuple[Task, ...]:
    head = f"machine: {machine}\n" if machine else ""
    return tuple(oomsel.loads(complete(f"{head}tasks: |\n{indent(table, '  ')}\n{more}")).tasks)


def brief(task: Task) -> tuple[int, bytes, int, int | None, int | None, dict[str, int]]:
    assert task.rss is not None
    parts = {name: getattr(task.rss, name) for name in ("anon", "file", "shmem", "swap", "total")}
    counts = {name: counter.count for name, counter in parts.items() if counter is not None}
    return task.pid, task.comm, task.oom_score_adj, task.total_vm, task.pgtables_bytes, counts


SPLIT = "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name"
#: Layouts of the kernel's releases, each with a row of it, and what the row says.
LAYOUTS = {
    "2.6.25": (
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name",
        "[  190]    33   190     9678     8966   1     -17 web front",
        (190, b"web front", -1000, 9678, 0, {"total": 8966, "swap": 0}),
    ),
    "2.6.25, oom_adj 15": (
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name",
        "[  190]    33   190     9678     8966   1      15 a",
        (190, b"a", 1000, 9678, 0, {"total": 8966, "swap": 0}),
    ),
    "2.6.25, oom_adj -8": (
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name",
        "[  190]    33   190     9678     8966   1      -8 a",
        (190, b"a", -470, 9678, 0, {"total": 8966, "swap": 0}),
    ),
    "2.6.36": (
        "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
        "[  190]    33   190     9678     8966   1     -17         -1000 a",
        (190, b"a", -1000, 9678, 0, {"total": 8966, "swap": 0}),
    ),
    "3.6": (
        "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
        "[  190]    33   190     9678     8966      28       12           300 a",
        (190, b"a", 300, 9678, 28 * 4096, {"total": 8966, "swap": 12}),
    ),
    "4.0": (
        "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name",
        "[  190]    33   190     9678     8966      28       3       12           300 a",
        (190, b"a", 300, 9678, 31 * 4096, {"total": 8966, "swap": 12}),
    ),
    "4.15-rc": (
        "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds nr_puds swapents oom_score_adj name",
        "[  190]    33   190     9678     8966      28       3       2       12           300 a",
        (190, b"a", 300, 9678, 33 * 4096, {"total": 8966, "swap": 12}),
    ),
    "4.15": (
        "[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
        "[  190]    33   190     9678     8966   114688       12             0 a",
        (190, b"a", 0, 9678, 114688, {"total": 8966, "swap": 12}),
    ),
    "4.19": (
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
        "[    190]    33   190     9678     8966   114688       12             0 a",
        (190, b"a", 0, 9678, 114688, {"total": 8966, "swap": 12}),
    ),
    "6.8": (
        SPLIT,
        "[    190]    33   190     9678     8966     7779      163      1024   114688       12             0 a",
        (190, b"a", 0, 9678, 114688, {"anon": 7779, "file": 163, "shmem": 1024, "swap": 12}),
    ),
    "6.8, parts unknown": (
        SPLIT,
        "[    190]    33   190     9678     8966        ?        ?         ?   114688       12             0 a",
        (190, b"a", 0, 9678, 114688, {"total": 8966, "swap": 12}),
    ),
}


@pytest.mark.parametrize(("header", "row", "said"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(header: str, row: str, said: tuple[object, ...]) -> None:
    (task,) = read(f"{header}\n{row}")
    assert brief(task) == said
    assert task.uid == 33


def test_page_tables_counted_in_pages_go_by_the_page_size() -> None:
    header, row, _ = LAYOUTS["3.6"]
    (task,) = read(f"{header}\n{row}", machine="{cpus: 1, ram: 1, page_size: 65536}")
    assert task.pgtables_bytes == 28 * 65536


HEADER, ROW, SAID = LAYOUTS["6.8"]


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "[   15.476807] ",
        "Jan  5 12:00:01 web1 kernel: [123456.789012] ",
        "2026-01-05T12:00:01.123456+01:00 web1 kernel: ",
        "<6>[  12.3] ",
        "kern  :info  : [Mon Jan  5 12:00:01 2026] ",
        "[    0.000000][  T190] ",
        "    ",
    ],
)
def test_prefixes_of_loggers(prefix: str) -> None:
    (task,) = read("\n".join(prefix + line for line in ("Tasks state (memory values in pages):", HEADER, ROW)))
    assert brief(task) == SAID


NOISY = ["a invoked oom-killer: ...", "", "Tasks state (memory values in pages):", HEADER, "noise", ROW, "[   12.3] no"]


def test_lines_that_are_nothing_of_a_table_are_told() -> None:
    text = complete(f"tasks: |\n{indent(chr(10).join([*NOISY, '', 'Out of memory: ...']), '  ')}\n")
    scenario = oomsel.loads(text)
    assert [brief(task) for task in scenario.tasks] == [SAID]
    first = 1 + text.split("\n").index("  a invoked oom-killer: ...")
    strays = f"{first},{first + 4},{first + 6},{first + 8}"
    assert scenario.notes == (f"tasks: left out, as nothing of a task table: line {strays}",)
    quoted = json.dumps({"oomsel": 1, "machine": {"cpus": 1, "ram": 5}, "tasks": "\n".join(NOISY)})
    assert oomsel.loads(quoted).notes == ("tasks: left out, as nothing of a task table: line 1,5,7 of the table",)
    assert oomsel.loads(complete(f"tasks: |\n{indent(HEADER + chr(10) + ROW, '  ')}\n")).notes == ()


#: What begins like a row and is none -> what is wrong with it; a letter O took the largest task out.
UNREADABLE = {
    ROW.replace("9678", "967B"): "begins like a row and cannot be read",
    ROW.replace("190]", "19O]"): "begins like a row and cannot be read",
    ROW.replace("    33", " "): "begins like a row and cannot be read",
    "[   12.345678] " + ROW.replace("8966", "8966.0"): "begins like a row and cannot be read",
    "Jan  5 12:00:01 web1 kernel: [12.345678] " + ROW.replace("8966", ""): "begins like a row and cannot be read",
    "[anything]": "begins like a row and cannot be read",
    ROW.replace("]", " "): "begins like a row and cannot be read",
    ROW.replace("8966", "?"): "rss is ? in this row",
    ROW.replace("    33", "     ?"): "uid is ? in this row",
}


@pytest.mark.parametrize(("row", "wrong"), UNREADABLE.items())
def test_a_row_that_cannot_be_read_is_an_error(row: str, wrong: str) -> None:
    text = complete(f"tasks: |\n  {HEADER}\n  {ROW}\n  {row.replace('190', '191')}\n")
    (said,) = errors_of(text)
    assert said.startswith(f"F:{text.split(chr(10)).index('tasks: |') + 4}:3: tasks: ")
    assert wrong in said


def test_a_lost_row_makes_one_error() -> None:
    """What names its process is right: nothing else is wrong that anybody can know."""
    lost = ROW.replace("190", "191").replace("8966", "8966.O")
    named = "memcgs: {/a: {order: [191]}}\noom: {current: 191}\nexpect: {never: [191]}\nmore: {191: {memcg: /a}}\n"
    for rows in (f"  {ROW}\n  {lost}\n", f"  {lost}\n"):
        (said,) = errors_of(complete(f"tasks: |\n  {HEADER}\n{rows}{named}"))
        assert "begins like a row and cannot be read" in said


@pytest.mark.parametrize("uid", ["-2147483649", "-4294967295", "4294967296"])
def test_a_uid_of_more_than_32_bits_is_an_error(uid: str) -> None:
    (said,) = errors_of(complete(f"tasks: |\n  {HEADER}\n  {ROW.replace('    33', f' {uid}')}\n"))
    assert f"tasks[0].uid: {uid} is no uid" in said


def test_a_dead_leaders_row_is_named_once_under_more() -> None:
    row = ROW.replace("190]", "195]")
    (said,) = errors_of(complete(f"tasks: |\n  {HEADER}\n  {row}\nmore:\n  195: {{uid: 1}}\n  190: {{uid: 2}}\n"))
    assert "more[190]: pid 190 is the process of pid 195, stated already; state it once" in said


def test_a_row_before_the_header_is_an_error() -> None:
    (said,) = errors_of(complete(f"tasks: |\n  {ROW.replace('190', '191')}\n  {HEADER}\n  {ROW}\n"))
    assert "stands before the table's header; put the header first" in said
    (said,) = errors_of(complete(f"tasks: |\n  {ROW}\n"))
    assert "no header of a task table in it" in said


def test_a_name_is_everything_after_one_blank() -> None:
    names = ["", " lead", "trail ", "two words", "0 0 0", "par) (en", r"es\x0acape", "ü", "[    190]"]
    rows = [ROW[:-1].replace("190", f"{200 + index}") + name for index, name in enumerate(names)]
    tasks = read("\n".join([HEADER, *rows]))
    assert [task.comm for task in tasks] == [name.replace(r"\x0a", "\n").encode() for name in names]


def test_wide_columns_negative_uids_and_dead_leaders() -> None:
    (task,) = read(
        f"{HEADER}\n[4194001]    -2 4194000 25600008008 123456789 123456789    0     0    0 9876     -1000 live"
    )
    assert (task.pid, task.uid, task.thread) == (4194000, 4294967294, Thread(pid=4194001, comm=b"live"))
    assert brief(task)[2:5] == (-1000, 25600008008, 0)


TWO_ROWS = f"{HEADER}\n{ROW}\n{ROW.replace('190', '192').removesuffix('a')}b"


def test_more_adds_what_a_table_cannot_say() -> None:
    tasks = read(
        TWO_ROWS,
        "more:\n  192: {rss: {anon: {deltas: {0: -30, 3: 30}}, swap: 7}, uid: 5}\n"
        "  300: {comm: extra, flags: [kthread]}\n  '301': {comm: text, pid: 301}\n",
    )
    assert [task.pid for task in tasks] == [190, 192, 300, 301]
    second = tasks[1]
    assert second.rss is not None
    assert second.rss.anon == Counter(count=7779, deltas={0: -30, 3: 30})  # the count stays the table's
    assert (second.rss.swap, second.rss.file, second.uid) == (Counter(count=7), Counter(count=163), 5)
    assert (tasks[2].flags, tasks[3].rss) == (("kthread",), None)


def test_more_names_a_dead_leaders_row_by_either_pid() -> None:
    row = "[    195]    33   190     9678     8966     7779      163      1024   114688       12             0 live"
    for pid in (195, 190):
        (task,) = (
            read(f"{HEADER}\n{row}", f"more: {{{pid}: {{oom_score_adj: 7}}}}\n")
            if pid == 195
            else (read(f"{HEADER}\n{row}", "more: {190: {oom_score_adj: 7, thread: {comm: other}}}\n"))
        )
        assert (task.pid, task.oom_score_adj) == (190, 7)
    assert task.thread == Thread(pid=195, comm=b"other")


def test_rows_of_one_shared_mm() -> None:
    tasks = read(TWO_ROWS, "more: {190: {mm: X}, 192: {mm: X, flags: [vfork]}}\n")
    assert [task.rss is None for task in tasks] == [False, True]
    system = oomsel.boot(
        oomsel.loads(complete(f"tasks: |\n{indent(TWO_ROWS, '  ')}\nmore: {{190: {{mm: X}}, 192: {{mm: X}}}}\n"))
    ).system
    assert system.tasks.mm.tolist() == [0, 0]


@pytest.mark.parametrize("style", ["|", "|-", "|+", "|2", ">\n\n "])
def test_any_block_of_text_is_a_table(style: str) -> None:
    fold = "\n\n" if style.startswith(">") else "\n"
    table = indent(fold.join([HEADER, ROW]), "  ")
    (task,) = oomsel.loads(complete(f"tasks: {style}\n{table}\n")).tasks
    assert task.pid == 190


def test_a_table_in_json() -> None:
    data = {"machine": {"cpus": 1, "ram": 5}, "tasks": f"{HEADER}\n{ROW}\n", "more": {"190": {"uid": 3}}}
    text = json.dumps({"oomsel": 1, **data})
    (task,) = oomsel.loads(text).tasks
    assert (task.uid, brief(task)) == (3, SAID)


REAL = sorted((DATA / "real").glob("*/expected*.log"))


@pytest.mark.parametrize("path", REAL, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_real_report_pasted_whole_prints_its_own_table_again(path: object) -> None:
    report = DATA.joinpath(str(path)).read_text(encoding="utf-8")
    table = [line for line in report.splitlines() if line.startswith("[")]
    if not table:
        assert "19-no-dump-tasks" in str(path)
        return
    tasks = indent(report, "  ")
    release = "6.12" if "rss_anon" in table[0] else "5.10"
    scenario = oomsel.loads(complete(f'kernel: "{release}"\ntasks: |\n{tasks}\n'))
    lines = oomsel.kernel_lines(oomsel.select(scenario))
    assert [line for line in lines if line.startswith("[")] == table


def test_a_rss_of_one_number_is_not_a_rss_of_parts() -> None:
    (task,) = read("\n".join(LAYOUTS["4.19"][:2]))
    assert task.rss == Rss(total=Counter(count=8966), swap=Counter(count=12))
