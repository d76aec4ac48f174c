"""A Scenario as YAML or JSON text, one task a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from oomsel.scenario.models import Scenario
from oomsel.scenario.plain import plain

_QUOTED_KEY = re.compile(r'"([a-z_]+|[0-9]+)": ')
#: libyaml takes a key of more than 1,024 characters only behind a question mark.
MAX_KEY = 1000
_LONG_KEY = re.compile(r'("(?:[^"\\]|\\.){500,}"): ')  # each of the 500 may be an escape
#: What JSON leaves as it is and YAML does not take so, or a terminal would act on.
_ESCAPED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def yaml_pieces(scenario: Scenario) -> Iterator[str]:
    """The scenario as YAML; joined they are the file."""
    head = (f"{key}: {_flow(value)}\n" for key, value in plain(scenario).items())
    return chain(head, ["tasks:\n"], (f"- {_flow(plain(task))}\n" for task in scenario.tasks))


def json_pieces(scenario: Scenario) -> Iterator[str]:
    """The scenario as JSON; joined they are the file."""
    head = _dumps(plain(scenario)).removesuffix("}")
    tasks = (_dumps(plain(task)) for task in scenario.tasks)
    return chain([head, ', "tasks": [\n', next(tasks)], (f",\n{task}" for task in tasks), ["\n]}\n"])


def _dumps(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() and "\x7f" not in text else _ESCAPED.sub(lambda char: f"\\u{ord(char[0]):04x}", text)


def _flow(value: Any) -> str:
    """A value as YAML on one line: JSON with its keys bare."""
    text = _QUOTED_KEY.sub(r"\1: ", _dumps(value))
    return _LONG_KEY.sub(r"? \1 : ", text) if len(text) > MAX_KEY else text
