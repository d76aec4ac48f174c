"""A log's table prints again in the columns that it has, whatever release its stack dump names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.klog.test_line_formats import TABLES
from tests.real_logs import LOGS
from tests.running import run


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("01-global-8cpu.log", "6.12.117+deb12-cloud-amd64", "6.6.30-vendor"),
        ("12-61-global.log", "6.1.0", "6.9.0"),
    ],
)
def test_the_columns_stay(tmp_path: Path, name: str, old: str, new: str) -> None:
    text = (LOGS / name).read_text()
    assert old in text
    path = tmp_path / "vendor.log"
    path.write_text(text.replace(old, new))
    (header, *_) = (line.partition("] ")[2] for line in text.split("\n") if "[  pid  ]" in line)
    ran = run("select", "--mode", "kernel", "--event", "1", path)
    assert ran.status == 0, ran.err
    assert header in ran.out.split("\n")


#: Each release's header and a row, as they stand in tests/klog/test_line_formats.py; the last has a vendor's column.
OLDER = {
    **{span: lines[:2] for span, lines in TABLES.items()},
    "a vendor's": (
        "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds nr_puds swapents oom_score_adj rss_kept name",
        "[  398]   500   398    12345      678      30       3       1        0             0        5 db",
    ),
    "a number that nobody knows": (
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
        "[    398]   500   398    12345        ?   122880        0             0 db",
    ),
}


@pytest.mark.parametrize("span", OLDER)
def test_a_table_prints_again_as_it_stands(tmp_path: Path, span: str) -> None:
    header, row = OLDER[span]
    other = row.replace("398", "399").replace("-1000", "    0").replace("-17", "  0")
    lines = ["db invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=0", header, row, other]
    path = tmp_path / "old.log"
    path.write_text("".join(f"[    1.000000] {line}\n" for line in [*lines, "Killed process 399 (db)"]))
    printed = run("select", path).out.split("\n")
    assert [line for line in printed if line.startswith("[")] == [header, row, other]
    assert ("Tasks state (memory values in pages):" in printed) == header.startswith("[  pid  ]")


def test_another_release_prints_its_own_table(tmp_path: Path) -> None:
    header, row = OLDER["3.6-3.19"]
    path = tmp_path / "old.log"
    path.write_text(f"{header}\n{row}\nKilled process 398 (db)\n")
    assert TABLES["6.8 on"][0] in run("select", "--kernel", "6.8", path).out
    assert header in run("select", "--set", "tasks[398].uid=7", path).out


def test_tabs_may_stand_for_blanks(tmp_path: Path) -> None:
    path = tmp_path / "tabs.log"
    header, row = OLDER["3.6-3.19"]
    tabbed = ["\t".join(line.split()) for line in (header.replace("[ pid ]", "[pid]"), row.replace("[  ", "["))]
    path.write_text("\n".join([*tabbed, "Killed process 398 (db)"]))
    assert row in run("select", path).out.split("\n")
