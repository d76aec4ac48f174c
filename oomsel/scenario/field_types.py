"""What the value of a key may be: how it is read, and what the JSON Schema says of it.

An error is a predicate, "no pid; use ...", that follows "VALUE is"; one that begins with a capital stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import PydanticCustomError
from pydantic_core import core_schema as cs

from oomsel import text
from oomsel.kernel.release import parse_release
from oomsel.scenario.declaration import Value
from oomsel.scenario.values import JsonFloat, Plain, SourceInt, is_empty
from oomsel.text import MAX_NODE, MAX_PAGES, PAGE_SIZES, TASK_COMM_LEN, comm_from_text

Json = Mapping[str, Any]

#: Longer texts than this are refused.
MAX_TEXT = 1 << 16
FLAGS = "init kthread zombie exiting exited vfork coredump oom_skip oom_victim oom_origin".split()
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Context:
    """What a value's reading depends on besides the value."""

    def __init__(self, page_size: int, is_json: bool) -> None:
        self.page_size = page_size
        self.is_json = is_json
        #: Whether an error's path must be the file's own; a first reading, mostly the only one, does without.
        self.places = False


def page_size_of(data: Mapping[Any, Any]) -> int:
    """The page size that units are converted with; a wrong one gives 4096, and a problem of its own."""
    machine = data.get("machine")
    size = machine.get("page_size") if isinstance(machine, dict) else None
    return size if isinstance(size, int) and size in PAGE_SIZES else 4096


def wrong(message: str) -> PydanticCustomError:
    """The error of a value."""
    return PydanticCustomError("wrong", "{text}", {"text": message})


def value(read: Callable[[Any, Context], Any], title: str, placeholder: Any = 0, **json: Any) -> Value:
    """What `read` makes of a value, or refuses with a ValueError; `title` and `json` describe it."""

    def function(stated: Any, info: Any) -> Any:
        try:
            return read(stated, info.context)
        except ValueError as error:
            raise wrong(str(error)) from None

    return Value(cs.with_info_plain_validator_function(function), {"title": title, **json}, placeholder)


def whole(low: int, high: int, what: str, use: str = "", placeholder: int = 0) -> Value:
    """Whole numbers; an error says that a value is no `what`."""
    use = use or f"a whole number from {low} to {high}"
    inner = cs.int_schema(strict=True, ge=low, le=high)
    core = cs.custom_error_schema(inner, "wrong", custom_error_message=f"no {what}; use {use}")
    return Value(core, {"type": "integer", "minimum": low, "maximum": high}, placeholder)


def one_of(names: Sequence[str], what: str, use: str = "use one of") -> Value:
    """One of some words; an error says that a value is no `what`."""
    known = ", ".join(names)

    def read(stated: Any, _: Context) -> str:
        if not isinstance(stated, str) or stated not in names:
            raise ValueError(f"no {what}; {use} {known}")
        return str(stated)

    return value(read, f"one of {known}", enum=list(names))


def _text(value: Any, context: Context) -> str:
    if type(value) is str:
        text = value
    elif is_empty(value) or _is_no_text(value, context):
        raise ValueError("no text; quote it")
    else:  # a plain scalar of YAML is the text as written
        text = value.text if isinstance(value, SourceInt) else str(value)
    if len(text) > MAX_TEXT:
        raise ValueError(f"too long, {len(text)} characters; use at most {MAX_TEXT}")
    return text


def _is_no_text(value: Any, context: Context) -> bool:
    if context.is_json and type(value) is int:  # a number of an override is a SourceInt
        return True
    return isinstance(value, bool | JsonFloat) or not isinstance(value, str | int)


def _comm(value: Any, context: Context) -> bytes:
    comm = comm_from_text(_text(value, context))
    if len(comm) >= TASK_COMM_LEN:
        raise ValueError(f"too long for a comm, {len(comm)} bytes; use at most 15")
    if 0 in comm:
        raise ValueError("no comm, as it holds the byte 0, where a name ends; leave \\x00 out")
    return comm


def _pid_or_comm(value: Any, context: Context) -> int | bytes:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= 1 << 22:
            raise ValueError("no pid; use a whole number from 1 to 4194304, or a quoted comm")
        return int(value)
    return _comm(value, context)


def _pid_or_none(value: Any, _: Context) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1 << 22:
        return int(value)
    if type(value) is str and value == "none":
        return "none"
    raise ValueError("no pid; use a whole number from 1 to 4194304, or none")


def _bool(value: Any, _: Context) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, Plain) and value in _BOOLEANS:
        return _BOOLEANS[value]
    raise ValueError("no boolean; use true or false")


def _quantity(value: Any, context: Context) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(text.check_pages(value))
    if isinstance(value, str) and not is_empty(value):
        return text.parse_quantity(value, context.page_size)
    raise ValueError("no quantity of memory; use a number of pages, or a text like 64MiB")


def _size(value: Any, context: Context) -> int:
    pages = _quantity(value, context)
    if pages < 0:
        raise ValueError("negative; use 0 or more")
    return pages


def _pages(read: Callable[[Any, Context], int], low: int, title: str, forms: list[Json]) -> Value:
    """Pages; most are plain numbers, and there are several a task."""

    def function(stated: Any, info: Any) -> int:
        if type(stated) is int and low <= stated < MAX_PAGES:
            return stated
        try:
            return read(stated, info.context)
        except ValueError as error:
            raise wrong(str(error)) from None

    return Value(cs.with_info_plain_validator_function(function), {"title": title, "anyOf": forms})


def _limit(value: Any, context: Context) -> int | None:
    return None if type(value) is str and value == "max" else _size(value, context)


def numbers(limit: int, *, number_is_count: bool = False) -> Value:
    """CPU or node numbers up to `limit`; a plain number is one of them, or a count of CPUs."""

    def read(value: Any, _: Context) -> tuple[int, ...]:
        if isinstance(value, int) and not isinstance(value, bool):
            if not number_is_count:
                return tuple(text.check_list([int(value)], limit))
            if not 1 <= value <= limit + 1:
                raise ValueError(f"no number of CPUs; use 1 to {limit + 1}, or a list like 0-3,8")
            return tuple(range(value))
        if isinstance(value, list):
            if not value:
                raise ValueError("no list of numbers; leave the key out, or name some")
            if not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
                raise ValueError("no list of whole numbers; use one like [0, 1], or a text like 0-3,8")
            return tuple(sorted(text.check_list([int(item) for item in value], limit)))
        if isinstance(value, str) and not is_empty(value):
            return tuple(sorted(text.parse_list(value, limit)))
        raise ValueError("no list of numbers; use one like 0-3,8 or [0, 1]")

    return value(read, "count or list of numbers" if number_is_count else "list of numbers", 1, **_NUMBERS)


def _gfp(value: Any, _: Context) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < 1 << 32:
            raise ValueError("no gfp mask; use a number of 32 bits, or flag names")
        return int(value)
    if isinstance(value, str) and not isinstance(value, Plain):
        return str(value)
    raise ValueError("no gfp mask; use a number, or flag names like GFP_KERNEL|__GFP_ZERO")


def _page_size(value: Any, _: Context) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in PAGE_SIZES:
        return int(value)
    raise ValueError("no page size; use a power of two from 4096 to 65536, in bytes")


def _version(value: Any, _: Context) -> int:
    if isinstance(value, bool) or value != 1:
        raise ValueError("no format version that is known; use 1")
    return 1


def _memcg_path(value: Any, context: Context) -> str:
    path = _text(value, context)
    if path == "/":
        return path
    parts = path.split("/")
    if len(parts) < 2 or parts[0] or any(part in ("", ".", "..") for part in parts[1:]) or "\n" in path or "\0" in path:
        raise ValueError("no path of a cgroup; use one like /web/worker")
    return path


def _cpuset_name(value: Any, context: Context) -> str:
    name = _text(value, context)
    if name != "/" and ("/" in name or not name or "\n" in name):
        raise ValueError('no name of a cpuset; use the last part of its path, or "/"')
    return name


def _label(value: Any, context: Context) -> str:
    text = _text(value, context)
    if not text:
        raise ValueError("no label; use a text of one character or more")
    return text


def _golden(value: Any, context: Context) -> str:
    name = _text(value, context)
    parts = name.split("/")
    if not name.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise ValueError("no file beside the scenario; use a name like expected.log, below the scenario's folder")
    return name


def _cpu_key(key: Any, _: Context) -> int | tuple[int, ...]:
    """A key of `deltas` that is no plain number: a cpulist, as every key of JSON is."""
    cpus = text.parse_list(key) if isinstance(key, str) else []
    if not cpus:
        raise ValueError("no CPU")
    return cpus[0] if len(cpus) == 1 else tuple(cpus)


#: Every CPU by the number that a key of `deltas` mostly is, in JSON as text; filled as they are met.
_CPUS: dict[Any, int] = {}


def _deltas(value: Any, read: cs.ValidatorFunctionWrapHandler, info: Any) -> dict[int, int]:
    """`deltas` with every cpulist written out."""
    if type(value) is dict and not info.context.places:
        try:
            plain = {_CPUS[key]: pages for key, pages in value.items()}
        except KeyError:
            plain = {}
        if len(plain) == len(value):
            deltas: dict[int, int] = read(plain)
            return deltas
    stated = read(value)
    spread: dict[int, int] = {}
    for key, pages in stated.items():
        for cpu in key if type(key) is tuple else (key,):
            if cpu in spread:
                message = f"CPU {cpu} is stated twice; give each CPU one value"
                raise PydanticCustomError("wrong", "{text}", {"text": message, "cpu": cpu})
            spread[cpu] = pages
            _CPUS[cpu] = _CPUS[str(cpu)] = cpu
    return spread


def _node_key(key: Any, _: Context) -> int:
    number = int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 5 else key
    if not isinstance(number, int) or not 0 <= number <= MAX_NODE:
        raise ValueError(f"no node; use a number from 0 to {MAX_NODE}")
    return int(number)


def _release(value: Any, context: Context) -> str:
    text = _text(value, context)
    parse_release(text)
    return text


#: A plain scalar of YAML is text as written, so that 6.12 and 123 are text, too.
_TEXT: Json = {"type": ["string", "number"]}
_UNITS = {"type": "string", "pattern": r"^[+-]?[0-9]+(\.[0-9]+)? ?([pP][aA][gG][eE][sS]|[kKmMgGtT][iI]?[bB])$"}
_SIGNED: list[Json] = [{"type": "integer", "exclusiveMinimum": -MAX_PAGES, "exclusiveMaximum": MAX_PAGES}, _UNITS]
_FROM_0: list[Json] = [{"type": "integer", "minimum": 0, "exclusiveMaximum": MAX_PAGES}, _UNITS]
_RANGE = r"[0-9]+(-[0-9]+(:[0-9]+/[0-9]+)?)?"
_RANGES = f"^{_RANGE}(,{_RANGE})*$"
_NUMBERS: Json = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": _RANGES},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True},
    ]
}

VERSION = value(_version, "1", 1, const=1)
RELEASE = value(_release, "kernel release", **_TEXT, pattern="^v?[0-9]+\\.[0-9]+")
TEXT = value(_text, "text", **_TEXT)
LABEL = value(_label, "label", **_TEXT, minLength=1)
COMM = value(_comm, "name of at most 15 bytes", "", **_TEXT)
PID = whole(1, 1 << 22, "pid", placeholder=1)
PID_OR_COMM = value(_pid_or_comm, "pid or comm", **_TEXT)
UID = whole(0, (1 << 32) - 1, "uid")
OOM_SCORE_ADJ = whole(-1000, 1000, "oom_score_adj")
BYTES = whole(0, (1 << 62) - 1, "number of bytes")
PAGE_SIZE = value(_page_size, "bytes", enum=list(PAGE_SIZES))
QUANTITY = _pages(_quantity, 1 - MAX_PAGES, "quantity", _SIGNED)
SIZE = _pages(_size, 0, "quantity from 0", _FROM_0)
LIMIT = value(_limit, "quantity from 0, or max", anyOf=[{"const": "max"}, *_FROM_0])
BOOL = value(_bool, "true or false", type="boolean")
PID_OR_NONE = value(_pid_or_none, "pid, or none", anyOf=[{"const": "none"}, PID.json])
SWAPPINESS = whole(0, 200, "swappiness")
FLAG01 = whole(0, 1, "setting", "0 or 1")
FLAG = one_of(FLAGS, "flag", "use some of")
CPU = whole(0, text.MAX_CPU, "CPU")
CPUS = numbers(text.MAX_CPU, number_is_count=True)
CPULIST, NODELIST = numbers(text.MAX_CPU), numbers(MAX_NODE)
NODE_KEY = value(_node_key, "node", pattern=f"^[0-9]{{1,{len(str(MAX_NODE))}}}$")
MEMCG_PATH = value(_memcg_path, "path like /web/worker", type="string", pattern="^/")
CPUSET_NAME = value(_cpuset_name, "name", **_TEXT)
GFP_MASK = value(_gfp, "flag names or a number", type=["integer", "string"], minimum=0, exclusiveMaximum=1 << 32)
GOLDEN = value(_golden, "file below the scenario's folder", **_TEXT, pattern=r"^[^/]")

_CPU_KEY = value(_cpu_key, "CPU or list of CPUs", pattern=_RANGES)
_CPU_KEYS = cs.custom_error_schema(
    cs.union_schema([CPU.core(), _CPU_KEY.core()], mode="left_to_right"),
    "wrong",
    custom_error_message=f"no CPU; use a number from 0 to {text.MAX_CPU}, or a list like 8-15",
)
_S32 = whole(-(1 << 31), (1 << 31) - 1, "per-CPU value")
DELTAS = Value(
    cs.with_info_wrap_validator_function(_deltas, cs.dict_schema(_CPU_KEYS, _S32.core())),
    {"type": "object", "additionalProperties": _S32.json, "propertyNames": _CPU_KEY.json},
)
