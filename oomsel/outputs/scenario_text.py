"""A Scenario as YAML or JSON text, one task a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from oomsel.scenario.models import Scenario
from oomsel.scenario.plain import plain
from oomsel.text import json_escaped

_QUOTED_KEY = re.compile(r'"([a-z_]+|[0-9]+)": ')
#: libyaml takes a key of more than 1,024 characters only behind a question mark.
MAX_KEY = 1000
_LONG_KEY = re.compile(r'("(?:[^"\\]|\\.){500,}"): ')  # each of the 500 may be an escape


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
    return json_escaped(json.dumps(value, ensure_ascii=False))


def _flow(value: Any) -> str:
    """A value as YAML on one line: JSON with its keys bare."""
    text = _QUOTED_KEY.sub(r"\1: ", _dumps(value))
    return _LONG_KEY.sub(r"? \1 : ", text) if len(text) > MAX_KEY else text
