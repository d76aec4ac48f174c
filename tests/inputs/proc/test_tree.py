"""A copy is read and nothing else: no link leads out of it, no pipe is waited for, what no kernel writes is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oomsel.errors import InputError
from oomsel.inputs.proc.process import Malformed, is_kthread, parse_stat
from oomsel.inputs.proc.scenario import capture
from oomsel.inputs.proc.tree import Tree
from tests.inputs.proc.conftest import process

Make = Callable[..., Path]


def notes(root: Path) -> str:
    return "\n".join(capture(str(root)).notes)


def test_a_link_that_leads_out_leads_nowhere(tree: Make) -> None:
    root = tree(process(7))
    (root / "proc" / "meminfo").unlink()
    (root / "proc" / "meminfo").symlink_to("/proc/meminfo")
    with pytest.raises(InputError, match="no proc/meminfo can be read"):
        capture(str(root))


def test_a_link_within_is_followed(tree: Make) -> None:
    root = tree(process(7))
    (root / "proc" / "8").symlink_to("7")
    assert [task.pid for task in capture(str(root)).tasks] == [1, 7, 8]


def test_a_path_that_a_copy_makes_up_may_hold_anything(tree: Make) -> None:
    copied = Tree(str(tree(process(7))))
    assert not copied.exists("sys/fs/cgroup/nul\0/memory.max")
    assert copied.text("sys/fs/cgroup/nul\0/memory.max") is None
    assert copied.inode("sys/fs/cgroup/nul\0") == 0


def test_a_pipe_is_not_waited_for(tree: Make) -> None:
    root = tree(process(7))
    (root / "proc" / "7" / "stat").unlink()
    os.mkfifo(root / "proc" / "7" / "stat")
    assert "1 process lacks files in the copy" in notes(root)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("sys/devices/system/cpu/online", "3-1,zz"),
        ("sys/devices/system/cpu/possible", "many"),
        ("proc/sys/vm/panic_on_oom", "yes"),
        ("sys/fs/cgroup/a/memory.max", "much"),
        ("sys/fs/cgroup/a/memory.swap.max", "-1"),
    ],
)
def test_settings_that_no_kernel_writes_are_told(tree: Make, file: str, text: str) -> None:
    limit = {"sys/fs/cgroup/a/memory.max": "max\n"}
    scenario = capture(str(tree(process(7, cgroup="0::/a\n"), limit, {file: text})))
    assert f"1 file of settings cannot be understood ({file})" in scenario.notes[0]
    assert scenario.description is not None
    assert file in scenario.description


def test_policies_that_cannot_be_read_are_told(tree: Make) -> None:
    root = tree(process(7), process(8, "b"), {"proc/7/numa_maps": "7ffc000 bind:0 stack anon=1\n"})
    said = capture(str(root), mempolicies=True).notes[0]
    assert "2 processes have no numa_maps that can be read, so their memory policies are not known" in said
    assert "numa_maps" not in capture(str(root)).notes[0]


def test_a_live_tree_is_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert Tree("/").is_live
    assert Tree("//").name == "/proc"


@pytest.mark.parametrize("root", [None, "/"])
def test_elsewhere_than_on_linux(monkeypatch: pytest.MonkeyPatch, root: str | None) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(InputError, match=r"^/proc: this is darwin; use Linux, or a copy with --root$"):
        Tree(root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"proc/meminfo": None}, "no proc/meminfo can be read; name a directory that holds proc and sys"),
        ({"proc/sys/kernel/osrelease": None}, "no proc/sys/kernel/osrelease can be read; name a directory"),
        ({"proc/meminfo": "MemTotal: 4000 kB\n"}, "proc/meminfo: it has no SwapTotal; the kernel's has"),
        ({"proc/sys/kernel/osrelease": "4.19.1\n"}, "proc/sys/kernel/osrelease: older than 5.4"),
        ({"proc/1/stat": None}, "no process in proc can be read"),
    ],
)
def test_a_machine_that_cannot_be_read(tree: Make, change: dict[str, str | None], message: str) -> None:
    root = tree(change)
    with pytest.raises(InputError) as caught:
        capture(str(root))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("stat", "7 (a"),
        ("stat", "7 (a) S 1 2 3"),
        ("stat", "7 (" + "a" * 16 + ") S" + " 0" * 49),
        ("stat", "7 (a) S" + " 1" * 20 + " 999999999999999999999999" + " 1" * 30),
        ("status", "Uid:\tx\n"),
        ("status", "\nUid:\t0\t0\nVmRSS:\t 4 kB\n"),
        ("status", "\nUid:\t99999999999999999999\t0\n"),
        ("oom_score", "many"),
        ("oom_score_adj", "5000000"),
    ],
)
def test_what_no_kernel_writes_is_told(tree: Make, file: str, text: str) -> None:
    root = tree(process(7), process(8, "b"), {f"proc/7/{file}": text})
    scenario = capture(str(root))
    assert [task.pid for task in scenario.tasks] == [1, 8]
    assert f"1 process cannot be understood (proc/7/{file})" in scenario.notes[0]


def test_a_stat_whose_name_looks_like_a_stat() -> None:
    stat = parse_stat(b"7 (x) R 1 (y) S 1 0 0 0 -1 4 0 0 0 0 0 0 0 0 20 0 3 0 99 8192 5" + b" 0" * 30)
    assert (stat.comm, stat.state, stat.ppid, stat.flags, stat.threads) == (b"x) R 1 (y", b"S", 1, 4, 3)
    assert (stat.start, stat.vsize, stat.rss) == (99, 8192, 5)
    with pytest.raises(Malformed):
        parse_stat(b"no parenthesis")


@given(st.binary() | st.text("() S0123456789-", max_size=120).map(str.encode))
def test_any_bytes_are_a_stat_or_are_not(raw: bytes) -> None:
    with suppress(Malformed):
        parse_stat(raw)
    is_kthread(raw)


def test_a_page_size_that_is_not_4096(tree: Make) -> None:
    root = tree(process(7, vsize=65536 * 10, rss=2, anon=128), {"proc/7/statm": "10 2 0 0 0 0 0\n"})
    machine = capture(str(root)).machine
    assert (machine.page_size, machine.ram) == (65536, 4000000 // 64)


def test_what_is_changing_while_it_is_read(tree: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process is read again until it stands still, and told where it never does."""
    root = tree(process(7), process(8))
    reads = {"7": 0, "8": 0}
    true_read = Tree.read

    def growing(self: Tree, path: str, directory: object = None) -> bytes:
        raw = true_read(self, path, directory)  # type: ignore[arg-type]
        pid = getattr(directory, "path", "").rpartition("/")[2]
        if path == "stat" and pid in reads:
            reads[pid] += 1
            if pid == "7" or reads[pid] <= 3:  # the one never, the other soon
                return raw.replace(b" 4096000 100 ", b" 4096000 %d " % (100 + reads[pid]))
        return raw

    monkeypatch.setattr(Tree, "read", growing)
    assert "1 process did not stand still while it was read" in notes(root)
    assert reads == {"7": 6, "8": 5}


def test_a_status_that_ends_within_its_last_line(tree: Make) -> None:
    root = tree(process(7))
    status = root / "proc" / "7" / "status"
    status.write_text(status.read_text().partition("Mems_allowed_list:")[0] + "Mems_allowed_list:\t0")
    assert [task.pid for task in capture(str(root)).tasks] == [1, 7]


def test_a_stack_of_which_no_policy_is_said(tree: Make) -> None:
    root = tree(process(7), {"proc/7/numa_maps": " stack\n"})
    assert [task.pid for task in capture(str(root), mempolicies=True).tasks] == [1, 7]
