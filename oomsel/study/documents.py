"""Reading workloads and studies: with a scenario's readers, rules for values and places of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import SchemaValidator, ValidationError

from oomsel.errors import InputError
from oomsel.inputs.document import Document
from oomsel.scenario import field_types
from oomsel.scenario.problems import ProblemCollector
from oomsel.scenario.read import add_validation_error, page_size_of
from oomsel.scenario.values import Path

#: More structural errors than this are not looked at.
_ENOUGH = 200


def read_model(
    source: str,
    raw: bytes,
    begins: str,
    validator: SchemaValidator,
    known_keys: Callable[[Path], tuple[str, ...]],
    check: Callable[[Any, ProblemCollector], None],
) -> Any:
    """What `validator` makes of the document in `raw`, if `check` has nothing to complain about.

    `begins` tells what is expected where there is nothing.  Raises InputError with every problem.
    """
    document = _open_document(source, raw, begins)
    collector = ProblemCollector(document)
    if not isinstance(document.data, dict):
        collector.add((), f"no mapping of keys; {begins}")
        raise InputError(source, collector.problems)
    model = None
    try:
        context = field_types.Context(page_size_of(document.data), document.is_json)
        model = validator.validate_python(document.data, context=context)
    except ValidationError as error:
        for detail in error.errors(include_url=False)[:_ENOUGH]:
            add_validation_error(detail, collector, known_keys)
    if model is not None:
        check(model, collector)
    problems = [*document.problems, *collector.problems]
    if problems or model is None:
        raise InputError(source, problems)
    return model


def _open_document(source: str, raw: bytes, begins: str) -> Document:
    try:
        return Document(source, raw)
    except InputError as error:
        said = "a scenario begins with oomsel: 1"
        told = [one._replace(message=one.message.replace(said, begins)) for one in error.problems]
        raise InputError(source, told) from None
