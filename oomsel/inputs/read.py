"""From a file's text to a Scenario: the table form made a list of tasks, what options say put in, every key checked."""

from __future__ import annotations

from collections.abc import Sequence

from oomsel.inputs.document import Document
from oomsel.scenario.field_types import page_size_of
from oomsel.scenario.models import Scenario
from oomsel.scenario.problems import Places
from oomsel.scenario.read import read_scenario


def read_document(document: Document, overrides: Sequence[str] = (), kernel: str | None = None) -> Scenario:
    """The scenario in `document`, with `KEY=VALUE` overrides and another kernel put in.

    Raises InputError with all that is wrong, at most 20 problems.
    """
    places: Places = document
    if isinstance(document.data, dict):
        document.expand_table(page_size_of(document.data))
        if overrides or kernel is not None:
            from oomsel.inputs.overrides import with_options

            places = with_options(document, overrides, kernel)
    scenario = read_scenario(places)
    vars(scenario)["notes"] = (*document.notes, *scenario.notes)
    return scenario
