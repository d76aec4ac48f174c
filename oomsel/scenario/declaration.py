"""How a file format is declared: a mapping is a class, each of its keys an annotated attribute.

    class Sysctls(Model):
        "vm.* settings."
        oom_dump_tasks: Annotated[int, FLAG01, "0: the report has no task table."] = 1

is all there is to a key: its type to Python, its form (what it may hold), its meaning, its default.  A
key whose value is another mapping needs no form: `Annotated[Machine, "CPUs and memory."]`.  From this
come the reading (pydantic-core checks and fills the classes by the schema made here), the keys that are
known and the one that a misspelt key meant, placeholders for required keys, the JSON Schema and the
reference.

pydantic's BaseModel would do the same, but costs 50 ms to import beside pydantic-core and 8 ms to build
a scenario's models (Python 3.11, pydantic 2); this module with field_types and models costs 5 ms in all,
of the 150 ms that `oomsel select` takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Annotated, Any, ClassVar, NamedTuple, TypeAlias, dataclass_transform, get_args, get_origin

from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator
from pydantic_core import core_schema as cs


class Value:
    """A form without keys of its own: how it is read, and what the JSON Schema says of it.

    The other forms have the same `core`, `inner` and `placeholder`.
    """

    def __init__(self, core: CoreSchema, json: Mapping[str, Any], placeholder: Any = 0) -> None:
        self._core = core
        self.json = json  #: its `title` says to people what it is
        self._placeholder = placeholder

    def core(self) -> CoreSchema:
        """The schema by which it is read."""
        return self._core

    def inner(self, part: str | int) -> Form | None:  # noqa: ARG002
        """The form of an item or key in it."""
        return None

    def placeholder(self) -> Any:
        """A value that breaks no rule."""
        return self._placeholder


class ListOf:
    """A list; `empty` is the error of one without items, where that is one."""

    #: Whether an item alone is a list of one, and no item may be there twice.
    alone: ClassVar[bool] = False

    def __init__(self, item: Form, *, empty: str = "") -> None:
        self.item, self.empty = item, empty

    def core(self) -> CoreSchema:
        items = cs.tuple_variable_schema(self.item.core())
        return cs.no_info_after_validator_function(self.check, items) if self.empty else items

    def check(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        """Refuses a list that is empty."""
        if not items:
            raise PydanticCustomError("empty_list", "{text}", {"text": self.empty})
        return items

    def inner(self, part: str | int) -> Form | None:  # noqa: ARG002
        return self.item

    def placeholder(self) -> Any:
        return [self.item.placeholder()]


class MappingOf:
    """A mapping whose keys are names or numbers, not words of the format."""

    def __init__(self, key: Value, value: Form) -> None:
        self.key, self.value = key, value

    def core(self) -> CoreSchema:
        return cs.dict_schema(self.key.core(), self.value.core())

    def inner(self, part: str | int) -> Form | None:  # noqa: ARG002
        return self.value

    def placeholder(self) -> Any:
        return {}


class OrMapping:
    """What may be a mapping, or else a value."""

    def __init__(self, otherwise: Value, mapping: type[Model]) -> None:
        self.otherwise, self.mapping = otherwise, mapping

    def core(self) -> CoreSchema:
        value = SchemaValidator(self.otherwise.core())

        def read(stated: Any, mapping: cs.ValidatorFunctionWrapHandler, info: Any) -> Any:
            return mapping(stated) if type(stated) is dict else value.validate_python(stated, context=info.context)

        return cs.with_info_wrap_validator_function(read, self.mapping.core())

    def inner(self, part: str | int) -> Form | None:
        return self.mapping.inner(part)

    def placeholder(self) -> Any:
        return self.otherwise.placeholder()


class Key(NamedTuple):
    """A key of a mapping as it is declared."""

    form: Form
    description: str
    required: bool
    default: Any

    @property
    def meaning(self) -> str:
        """The description with the default, where that is a value and the description does not state it."""
        value = self.default
        if value is None or "default" in self.description or isinstance(value, Model | Mapping):
            return self.description
        items = value if isinstance(value, tuple) else (value,)
        shown = ", ".join(f'"{item}"' if item == "/" else str(item).lower() for item in items)
        return f"{self.description.removesuffix('.')}; default {shown}." if items else self.description


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Model:
    """A frozen record: annotations are its fields, `Annotated` ones its keys; class attributes are their defaults."""

    #: The key that a value alone is short for: `anon: 5` stands for `anon: {count: 5}`.
    short_for: ClassVar[str] = ""

    @staticmethod
    def is_short(value: Any) -> bool:
        """Whether `value` is such a short form."""
        return type(value) is not dict

    @classmethod
    @cache
    def _annotations(cls) -> dict[str, Any]:
        """The fields in order, those of the base class first."""
        bases = [base for base in reversed(cls.__mro__) if base not in (object, Model)]
        return {name: hint for base in bases for name, hint in base.__annotations__.items()}

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """The names of the fields in order."""
        return tuple(cls._annotations())

    @classmethod
    @cache
    def keys(cls) -> dict[str, Key]:
        """The keys in order."""
        keys = {}
        for name, hint in cls._annotations().items():
            if get_origin(hint) is Annotated:
                kind, *forms, description = get_args(hint)
                form = forms[0] if forms else (get_args(kind) or [kind])[0]  # a Model, perhaps `| None`
                keys[name] = Key(form, description, not hasattr(cls, name), getattr(cls, name, None))
        return keys

    @classmethod
    @cache
    def core(cls) -> CoreSchema:
        """The schema by which it is read; a key without a default is required."""
        arguments = []
        for name, key in cls.keys().items():
            schema = key.form.core()
            if not key.required:  # from a factory, as a default itself would be copied each time
                schema = cs.with_default_schema(schema, default_factory=partial(getattr, cls, name))
            arguments.append(cs.dataclass_field(name, schema))
        config = cs.CoreConfig(extra_fields_behavior="forbid")
        whole = cs.dataclass_schema(
            cls, cs.dataclass_args_schema(cls.__name__, arguments), list(cls.keys()), config=config
        )
        return cs.no_info_before_validator_function(cls._written_out, whole) if cls.short_for else whole

    @classmethod
    def _written_out(cls, value: Any) -> Any:
        return {cls.short_for: value} if cls.is_short(value) else value

    @classmethod
    @cache
    def validator(cls) -> SchemaValidator:
        """Makes a `cls` of plain data, given a `field_types.Context`."""
        return SchemaValidator(cls.core())

    @classmethod
    def inner(cls, part: str | int) -> Form | None:
        key = cls.keys().get(str(part))
        return None if key is None else key.form

    @classmethod
    def placeholder(cls) -> Any:
        """What must be in it, and no more."""
        return {name: key.form.placeholder() for name, key in cls.keys().items() if key.required}

    @classmethod
    @cache
    def _defaults(cls) -> dict[str, Any]:
        """Every field's default; None where it is required."""
        return {name: getattr(cls, name, None) for name in cls.fields()}

    @classmethod
    @cache
    def _required(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.fields() if not hasattr(cls, name))

    def __init__(self, **values: Any) -> None:
        defaults = self._defaults()
        for name in values.keys() - defaults.keys():
            raise TypeError(f"{type(self).__name__} has no field {name}")
        for name in self._required():
            if name not in values:
                raise TypeError(f"{type(self).__name__} needs {name}")
        self.__dict__.update(defaults | values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; make another one")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(value for value in vars(self).values() if isinstance(value, int | str | tuple))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


#: What the value of a key may be.
Form: TypeAlias = Value | ListOf | MappingOf | OrMapping | type[Model]


def form_at(form: Form, path: tuple[str | int, ...]) -> Form | None:
    """The form of what stands at `path` in a `form`; None where the format has nothing there."""
    here: Form | None = form
    for part in path:
        here = None if here is None else here.inner(part)
    return here


def known_keys(form: Form, path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys of the mapping at `path` in a `form`, or of the mappings in the list there."""
    here = form_at(form, path)
    if isinstance(here, OrMapping):
        here = here.mapping
    while isinstance(here, ListOf | MappingOf):
        here = here.inner(0)
    if isinstance(here, OrMapping):
        here = here.mapping
    return tuple(here.keys()) if isinstance(here, type) else ()
