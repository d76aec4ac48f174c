"""Reading workloads and studies: with a scenario's readers, rules for values and places of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic_core import ValidationError

from oomsel.errors import InputError
from oomsel.inputs.document import Document
from oomsel.scenario.declaration import Model
from oomsel.scenario.field_types import Context, page_size_of
from oomsel.scenario.problems import ProblemCollector
from oomsel.scenario.read import ENOUGH
from oomsel.scenario.validation import add_validation_error

Format = TypeVar("Format", bound=Model)


def read_model(
    source: str, raw: bytes, begins: str, model: type[Format], check: Callable[[Format, ProblemCollector], None]
) -> Format:
    """The `model` that the document in `raw` states, if `check` adds no problem.

    `begins` tells what is expected where there is nothing.  Raises InputError with every problem.
    """
    document = _open_document(source, raw, begins)
    collector = ProblemCollector(document)
    if not isinstance(document.data, dict):
        collector.add((), f"no mapping of keys; {begins}")
        raise InputError(source, collector.problems)
    stated: Format | None = None
    try:
        context = Context(page_size_of(document.data), document.is_json)
        stated = model.validator().validate_python(document.data, context=context)
    except ValidationError as error:
        for detail in error.errors(include_url=False)[:ENOUGH]:
            add_validation_error(detail, collector, model)
    if stated is not None:
        check(stated, collector)
    problems = [*document.problems, *collector.problems]
    if problems or stated is None:
        raise InputError(source, problems)
    return stated


def _open_document(source: str, raw: bytes, begins: str) -> Document:
    try:
        return Document(source, raw)
    except InputError as error:
        scenario = "a scenario begins with oomsel: 1"
        problems = [one._replace(message=one.message.replace(scenario, begins)) for one in error.problems]
        raise InputError(source, problems) from None
