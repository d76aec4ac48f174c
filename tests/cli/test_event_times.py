"""`oomsel events --since` and `--until`: a filter filters, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real_logs import LOGS
from tests.running import run

TEXTS = [line[15:] for line in (LOGS / "01-global-8cpu.log").read_text().split("\n")[:76]]


@pytest.mark.parametrize(
    ("prefix", "options", "status", "says"),
    [
        ("[   14.000000] ", ["--since", "2026-03-01"], 2, "14.000000, is in seconds since boot"),
        ("[v márc.  1 12:00:14 2026] ", ["--until", "2026-03-01"], 2, "v márc.  1 12:00:14 2026, cannot be read"),
        ("Mar  1 12:00:14 web-1 kernel: ", ["--since", "14"], 2, "Mar  1 12:00:14, is a date"),
        ("Mar  1 12:00:14 web-1 kernel: ", ["--since", "2026-03-01T12:00Z"], 2, "has no zone"),
        ("", ["--since", "14"], 2, "report 1 has no time"),
        (
            "2026-03-01T12:00:14+01:00 web-1 kernel: ",
            ["--since", "2026-03-01T11:00:15Z"],
            1,
            "1 report, none in that time",
        ),
        ("2026-03-01T12:00:14+01:00 web-1 kernel: ", ["--since", "2026-03-01T11:00:14Z"], 0, ""),
        ("2026-03-01T12:00:14Z web-1 kernel: ", ["--until", "2026-03-01T12:00:13"], 1, "1 report, none in that time"),
        ("[   14.000000] ", ["--since", "2026-03-01", "--killed", "nobody"], 1, "1 report, none that fits"),
    ],
)
def test_a_time_is_compared_or_refused(tmp_path: Path, prefix: str, options: list[str], status: int, says: str) -> None:
    log = tmp_path / "kern.log"
    log.write_text("".join(f"{prefix}{text}\n" for text in TEXTS), encoding="utf-8")
    result = run("events", *options, log)
    assert result.status == status
    assert says in result.err
    assert bool(result.out) == (status == 0)
