"""What follows from a declared key: reading, defaults, known keys, placeholders, and its line in the schema."""

from typing import Annotated, Any

import pytest
from pydantic_core import ValidationError

from oomsel.scenario.declaration import ListOf, Model, form_at, known_keys
from oomsel.scenario.field_types import COMM, FLAG01, PID, SIZE, Context
from oomsel.scenario.json_schema import json_schema
from oomsel.scenario.models import Scenario
from oomsel.scenario.reference import reference


class Inner(Model):
    """What is inside."""

    short_for = "pages"

    pages: Annotated[int, SIZE, "Pages."] = 0
    label: Annotated[bytes | None, COMM, "A name; default: none."] = None


class Outer(Model):
    """A format of its own."""

    pid: Annotated[int, PID, "Whose."]
    inside: Annotated[Inner | None, "More."] = None
    many: Annotated[tuple[Inner, ...], ListOf(Inner, empty="none of them"), "Some."]
    flag: Annotated[int, FLAG01, "1: on."] = 0


class Further(Outer):
    """With a key more."""

    size: Annotated[int, SIZE, "Pages."] = 7


def read(model: type[Model], data: Any) -> Any:
    return model.validator().validate_python(data, context=Context(4096, False))


def test_reading() -> None:
    outer = read(Outer, {"pid": 3, "inside": "1MiB", "many": [5, {"label": "a"}]})
    assert outer == Outer(pid=3, inside=Inner(pages=256), many=(Inner(pages=5), Inner(label=b"a")))
    assert outer.flag == 0
    assert read(Further, {"pid": 3, "many": [0]}) == Further(pid=3, many=(Inner(),))


@pytest.mark.parametrize(
    ("data", "kind", "path"),
    [
        ({"many": [1]}, "missing", ("pid",)),
        ({"pid": 0, "many": [1]}, "wrong", ("pid",)),
        ({"pid": 1, "many": []}, "empty_list", ("many",)),
        ({"pid": 1, "many": [{"page": 5}]}, "unexpected_keyword_argument", ("many", 0, "page")),
    ],
)
def test_errors(data: Any, kind: str, path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as error:
        read(Outer, data)
    assert [(one["type"], one["loc"]) for one in error.value.errors()] == [(kind, path)]


def test_known_keys_and_placeholders() -> None:
    assert known_keys(Further, ()) == ("pid", "inside", "many", "flag", "size")
    assert (
        known_keys(Further, ("many", 3))
        == known_keys(Outer, ("inside",))
        == known_keys(Outer, ("many",))
        == ("pages", "label")
    )
    assert known_keys(Outer, ("pid",)) == known_keys(Outer, ("gone", "too")) == ()
    assert form_at(Outer, ("many", 3, "pages")) is SIZE
    assert Outer.placeholder() == {"pid": 1, "many": [{}]}
    assert read(Scenario, Scenario.placeholder()).tasks[0].pid == 1


def test_schema_and_reference() -> None:
    schema = json_schema(Further, "further")
    assert (schema["required"], list(schema["definitions"])) == (["pid", "many"], ["Inner"])
    page = reference(schema, "# Further\n")
    assert "| `pid` (required) | 1 to 4194304 | Whose. |" in page
    assert "| `flag` | 0 to 1 | 1: on; default 0. |" in page
    assert "## inside, many\n\nWhat is inside.\n" in page


def test_a_record_is_frozen_and_takes_its_fields_alone() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        Inner().pages = 3  # type: ignore[misc]
    with pytest.raises(TypeError, match="no field page"):
        Inner(page=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="needs"):
        Outer()  # type: ignore[call-arg]
