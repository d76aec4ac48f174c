"""Whether an input is a kernel log or a scenario."""

from __future__ import annotations

import json

import pytest

from oomsel.inputs.identify import is_log
from oomsel.inputs.source import source_of

KILL = "Out of memory: Killed process 7 (a) total-vm:1kB"
SCENARIO = {"oomsel": 1, "title": KILL, "tasks": []}
LINES = ["[    1.000000] usb 1-1: new device", "[    2.000000] usb 1-2: new device"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (KILL, True),
        (f"oomsel: 1\ntitle: '{KILL}'\n", False),
        (f"# {KILL}\ntasks:\n", False),
        ("\n".join(LINES), True),
        ("\n".join(["one", *LINES]), True),
        ("\n".join(["one", "two", *LINES]), False),
        ("name: value\n", False),
        ("", False),
        # JSON: of journalctl or dmesg even without a word of an OOM, of a scenario even with one.
        (json.dumps({"MESSAGE": "usb 1-1: new device"}), True),
        (json.dumps({"dmesg": [{"msg": "usb 1-1: new device"}]}, indent=3), True),
        ("\ufeff\n" + json.dumps({"MESSAGE": "usb 1-1: new device"}), True),
        (json.dumps(SCENARIO), False),
        (json.dumps(SCENARIO | {"log": KILL}), False),
        (json.dumps({"text": KILL}), False),
    ],
)
def test_what_is_a_log(text: str, is_one: bool) -> None:
    assert is_log(source_of(text.encode())) == is_one
