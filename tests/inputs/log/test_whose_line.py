"""Facts about a machine are of lines that the kernel logged, where the form of the log tells whose a line is."""

from __future__ import annotations

import json

import pytest

import oomsel
from oomsel.inputs.log.reading import LogReading
from tests.running import run

REPORT = """\
a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
Mem-Info:
262144 pages RAM
0 pages HighMem/MovableOnly
1000 pages reserved
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
[      5]     0     5       50       40       40        0         0     4096        0             0 a
[      6]     0     6       50       10       10        0         0     4096        0             0 b
oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=a,pid=5,uid=0
Out of memory: Killed process 5 (a) total-vm:200kB, anon-rss:160kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB \
oom_score_adj:0
""".splitlines()
BOOT = ["Linux version 6.12.9", "smp: Brought up 1 node, 1 CPU", "Adding 4096k swap on /dev/vda2.  Priority:-2"]


def syslog(lines: list[str], tag: str = "kernel", host: str = "h", before: str = "") -> list[str]:
    return [f"{before}Nov 28 15:00:01 {host} {tag}: {line}" for line in lines]


def journal(lines: list[str], **fields: str) -> list[str]:
    return [json.dumps({"MESSAGE": line, **fields}) for line in lines]


def export(lines: list[str], *fields: str) -> list[str]:
    return [part for line in lines for part in ("__CURSOR=a", f"MESSAGE={line}", *fields, "")]


def verbose(lines: list[str], transport: str) -> list[str]:
    head = "Sat 2026-11-28 15:00:01.000000 UTC [s=1;i=1;b=1;m=1;t=1;x=1]"
    return [part for line in lines for part in (head, f"    MESSAGE={line}", f"    _TRANSPORT={transport}")]


def kmsg(lines: list[str], priority: int = 6) -> list[str]:
    return [f"{priority},{number},{number}000000,-;{line}" for number, line in enumerate(lines)]


def yaml_list(lines: list[str], **fields: str) -> list[str]:
    return [part for record in records(lines, fields) for part in (f"- {record[0]}", *(f"  {x}" for x in record[1:]))]


def yaml_documents(lines: list[str], **fields: str) -> list[str]:
    return [part for record in records(lines, fields) for part in ("---", *record)]


def records(lines: list[str], fields: dict[str, str]) -> list[list[str]]:
    return [[*(f"{name}: {value}" for name, value in fields.items()), f"MESSAGE: {json.dumps(x)}"] for x in lines]


def python_list(lines: list[str], **fields: str) -> list[str]:
    return [repr([{**fields, "MESSAGE": line} for line in lines])]


def shipped(lines: list[str], **fields: object) -> list[str]:
    return [json.dumps({"message": line, **fields}) for line in lines]


def docker(lines: list[str], **fields: str) -> list[str]:
    """Each line in two parts, as Docker keeps long ones."""
    halves = [part for line in lines for part in (line[:9], f"{line[9:]}\n")]
    return [json.dumps({"log": half, "stream": "stderr", **fields}) for half in halves]


def logcat_long(lines: list[str], tag: str) -> list[str]:
    return [part for line in lines for part in (f"[ 11-28 15:00:01.000  10: 10 I/{tag} ]", line, "")]


def table(lines: list[str], transport: str, heading: str = "") -> list[str]:
    return [heading] * bool(heading) + [f'{transport},"{line}"' for line in lines]


def read(*parts: list[str]) -> LogReading:
    text = "".join(f"{line}\n" for part in parts for line in part)
    reading = oomsel.loads(text.encode("utf-8", "surrogateescape"), source="x.log").log
    assert isinstance(reading, LogReading)
    return reading


def known(*parts: list[str]) -> tuple[str | None, int | None, int | None]:
    facts = read(*parts).facts
    return facts.release, facts.cpus, facts.swap


KERNEL = {"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}


@pytest.mark.parametrize(
    ("boot", "report"),
    [
        (syslog(BOOT, "evil[12]"), syslog(REPORT)),
        (syslog(BOOT, before="<14>"), syslog(REPORT, before="<6>")),
        (syslog(BOOT, host="other"), syslog(REPORT)),
        (journal(BOOT, SYSLOG_IDENTIFIER="evil", _UID="1000"), journal(REPORT, SYSLOG_IDENTIFIER="kernel")),
        (journal(BOOT, SYSLOG_IDENTIFIER="kernel", _UID="1000"), journal(REPORT, SYSLOG_IDENTIFIER="kernel")),
        (journal(BOOT, SYSLOG_IDENTIFIER="kernel", _TRANSPORT="syslog"), journal(REPORT, **KERNEL)),
        (journal(BOOT, _TRANSPORT="stdout"), journal(REPORT, **KERNEL)),
        (export(BOOT, "_TRANSPORT=syslog"), export(REPORT, "_TRANSPORT=kernel")),
        (export(BOOT, "SYSLOG_IDENTIFIER=kernel", "_UID=7"), export(REPORT, "_TRANSPORT=kernel")),
        (verbose(BOOT, "syslog"), verbose(REPORT, "kernel")),
        (kmsg(BOOT, 14), kmsg(REPORT)),
        (
            [f"user  :notice: [    0.100000] {line}" for line in BOOT],
            [f"kern  :info  : [   9.1000] {x}" for x in REPORT],
        ),
        ([f"<30>[    0.100000] {line}" for line in BOOT], [f"<6>[    9.100000] {line}" for line in REPORT]),
        (
            [f"Sat Nov 28 15:00:01 2026 user.notice evil: {line}" for line in BOOT],
            [f"Sat Nov 28 15:00:01 2026 kern.warn kernel: {line}" for line in REPORT],
        ),
        (
            [f"Nov 28 15:00:01 h user.notice kernel: {line}" for line in BOOT],
            [f"Nov 28 15:00:01 h kern.warn kernel: {line}" for line in REPORT],
        ),
        (yaml_list(BOOT, _TRANSPORT="syslog"), yaml_list(REPORT, **KERNEL)),
        (yaml_list(BOOT, _UID="7", SYSLOG_IDENTIFIER="kernel"), yaml_list(REPORT, **KERNEL)),
        (yaml_documents(BOOT, _TRANSPORT="syslog"), yaml_documents(REPORT, **KERNEL)),
        (python_list(BOOT, _TRANSPORT="syslog"), python_list(REPORT, **KERNEL)),
        (docker(BOOT, _TRANSPORT="stdout"), docker(REPORT, _TRANSPORT="kernel")),
        (logcat_long(BOOT, "evil"), logcat_long(REPORT, "kernel")),
        ([f"evil[77]>> {line}" for line in BOOT], [f"kern[0]>> {line}" for line in REPORT]),
        # What ships a journal or syslog names their fields in its own way.
        (shipped(BOOT, transport="syslog", uid="1000"), shipped(REPORT, transport="kernel")),
        (shipped(BOOT, systemd={"transport": "stdout"}), shipped(REPORT, systemd={"transport": "kernel"})),
        (shipped(BOOT, labels={"__journal__transport": "syslog"}), shipped(REPORT)),
        (shipped(BOOT, facility="user", programname="kernel"), shipped(REPORT, facility="kern", programname="kernel")),
        (shipped(BOOT, syslogfacility=1), shipped(REPORT, syslogfacility=0)),
        (shipped(BOOT, programname="evil"), shipped(REPORT, programname="kernel")),
        (shipped(BOOT, ident="evil"), shipped(REPORT, ident="kernel")),
        (table(BOOT, "syslog", "transport,message"), table(REPORT, "kernel")),
        (table(BOOT, "stdout", "_TRANSPORT,MESSAGE"), table(REPORT, "kernel")),
    ],
)
def test_what_another_program_says_is_no_fact(boot: list[str], report: list[str]) -> None:
    assert known(boot, report) == (None, None, None)
    assert len(read(boot, report).event.rows) == 2


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda lines: [f"[    0.100000] {line}" for line in lines],
        lambda lines: [f"kern  :info  : [    0.100000] {line}" for line in lines],
        lambda lines: [f"<6>[    0.100000] {line}" for line in lines],
        lambda lines: syslog(lines, before="<6>"),
        lambda lines: syslog(lines, "collector[7]"),  # whatever logs it, boot and report are its own
        lambda lines: journal(lines, **KERNEL),
        lambda lines: export(lines, "_TRANSPORT=kernel"),
        lambda lines: verbose(lines, "kernel"),
        kmsg,
        lambda lines: yaml_list(lines, **KERNEL),
        lambda lines: yaml_documents(lines, **KERNEL),
        lambda lines: python_list(lines, **KERNEL),
        docker,
        lambda lines: shipped(lines, transport="kernel"),
        lambda lines: shipped(lines, level="info", facility="kern"),
        lambda lines: shipped(lines, program="collector"),
        lambda lines: table(lines, "kernel", "transport,message"),
    ],
)
def test_what_was_logged_as_the_report_was_is_one(wrapped: object) -> None:
    reading = read(wrapped(BOOT + REPORT))  # type: ignore[operator]
    assert (reading.facts.release, reading.facts.cpus, reading.facts.swap) == ("6.12.9", 1, 1024)
    assert "unverified" not in reading.facts.cpus_because


def test_a_field_that_a_program_may_state_makes_nothing_sure() -> None:
    facts = read(shipped(BOOT + REPORT, transport="kernel", programname="kernel")).facts
    assert facts.cpus_because == "brought up at boot, line 2, unverified: any program may log as kernel"


def test_a_tag_alone_is_unverified() -> None:
    facts = read(syslog(BOOT + REPORT)).facts
    assert facts.cpus_because == "brought up at boot, line 2, unverified: any program may log as kernel"


def test_it_is_said_where_it_changes_what_is_told() -> None:
    def notes(*parts: list[str]) -> str:
        text = "".join(f"{line}\n" for part in parts for line in part)
        return run("select", "-", stdin=text.encode()).err

    odd = [line.replace("6.12.9", "7.1.0") for line in BOOT]
    assert "taken for Linux 7.1.0, by line 1, unverified: any program may log as kernel" in notes(syslog(odd + REPORT))
    assert "unverified" not in notes(syslog(odd + REPORT, before="<6>"))
    assert "unverified" not in notes(syslog(REPORT))


@pytest.mark.parametrize("release", ["6.1\x1b[2J", "6.1.5\u202ex", "6.1<b>", "6." + "1" * 70, "6.1;rm", "6.1\udc9b2J"])
def test_a_release_that_is_none_is_unknown(release: str) -> None:
    banner = [f"[    0.000000] Linux version {release} (x@y)"]
    report = [f"[    9.000000] {line}" for line in REPORT]
    current = f"[    9.000000] CPU: 1 PID: 5 Comm: a Not tainted {release} #1 Vendor"
    assert read(banner, report).facts.release is None
    assert read([report[0], current, *report[1:]]).facts.release is None


@pytest.mark.parametrize(
    "line",
    [
        "nr_cpu_ids:1[77]: segfault at 0 ip 0000",
        "Out of memory: x nr_cpu_ids:1",
        "usb 1-1: Product: smp: Brought up 1 node, 1 CPU",
        "nr_cpu_ids:1",
    ],
)
def test_a_name_in_a_line_of_the_kernels_is_no_fact(line: str) -> None:
    assert read([f"[    0.100000] {line}"], [f"[    9.000000] {each}" for each in REPORT]).facts.cpus is None


def test_a_forged_boot_ends_no_report() -> None:
    lines = syslog(REPORT)
    text = [*lines[:8], *syslog(["Linux version 6.1.1 (x)", "smp: Brought up 1 node, 1 CPU"], "evil"), *lines[8:]]
    reading = read(text)
    assert (len(reading.event.rows), len(reading.event.kills)) == (2, 1)


def test_a_field_of_the_export_form_in_bytes() -> None:
    def binary(name: str, value: bytes) -> bytes:
        return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"

    entries = [b"__CURSOR=a\n" + binary("MESSAGE", line.encode()) + b"_TRANSPORT=kernel\n\n" for line in BOOT + REPORT]
    odd = b"__CURSOR=b\n" + binary("EXTRA", b"x\nMESSAGE=Linux version 9.9\n\n_TRANSPORT=kernel\n") + b"\n"
    scenario = oomsel.loads(odd + b"".join(entries), source="x.export")
    assert (scenario.log.facts.release, scenario.log.facts.cpus) == ("6.12.9", 1)
    assert len(scenario.log.event.rows) == 2


def test_the_last_entry_of_an_export_needs_no_end() -> None:
    text = "\n".join(export(REPORT, "_TRANSPORT=kernel")).rstrip("\n")
    assert len(oomsel.loads(text, source="x").log.event.kills) == 1
