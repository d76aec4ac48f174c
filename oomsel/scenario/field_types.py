"""What each kind of value in a scenario may be, and how it is read: the leaves of `schema`.

A leaf's error is a predicate, "no pid; use ...", that follows "VALUE is"; one that begins with a capital stands alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as cs

from oomsel import text
from oomsel.kernel.release import parse_release
from oomsel.scenario.values import JsonFloat, Plain, SourceInt, is_empty
from oomsel.text import TASK_COMM_LEN, comm_from_text

Info = cs.ValidationInfo

#: Longer texts than this are refused.
MAX_TEXT = 1 << 16
FLAGS = ("init", "kthread", "zombie", "exiting", "vfork", "coredump", "oom_skip", "oom_victim", "oom_origin")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Context:
    """What a value's reading depends on besides the value."""

    def __init__(self, page_size: int, is_json: bool) -> None:
        self.page_size = page_size
        self.is_json = is_json
        #: Whether an error's path must be the file's own; a first reading, mostly the only one, does without.
        self.places = False


def wrong(message: str) -> PydanticCustomError:
    """The error of a leaf."""
    return PydanticCustomError("wrong", "{text}", {"text": message})


def leaf(read: Callable[[Any, Any], Any], kind: str = "") -> CoreSchema:
    """`kind` names the leaf to whoever describes the schema; by default the reading function does."""

    def function(value: Any, info: Info) -> Any:
        try:
            return read(value, info.context)
        except ValueError as error:
            raise wrong(str(error)) from None

    return cs.with_info_plain_validator_function(function, metadata={"kind": kind or read.__name__.strip("_")})


def whole(low: int, high: int, what: str, use: str = "") -> CoreSchema:
    """A leaf of whole numbers; an error says that a value is no `what`."""
    use = use or f"a whole number from {low} to {high}"
    inner = cs.int_schema(strict=True, ge=low, le=high)
    return cs.custom_error_schema(inner, "wrong", custom_error_message=f"no {what}; use {use}")


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


def _pages(read: Callable[[Any, Context], int], low: int) -> CoreSchema:
    """A leaf of pages; most are plain numbers, and there are several a task."""

    def function(value: Any, info: Any) -> int:
        if type(value) is int and low <= value < text.MAX_PAGES:
            return value
        try:
            return read(value, info.context)
        except ValueError as error:
            raise wrong(str(error)) from None

    return cs.with_info_plain_validator_function(function, metadata={"kind": read.__name__.strip("_")})


def _limit(value: Any, context: Context) -> int | None:
    return None if type(value) is str and value == "max" else _size(value, context)


def list_of(limit: int, *, number_is_count: bool = False) -> CoreSchema:
    """A leaf of CPU or node numbers up to `limit`; a plain number is one of them, or a count of CPUs."""

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

    return leaf(read, "cpus" if number_is_count else "numbers")


def _gfp(value: Any, _: Context) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < 1 << 32:
            raise ValueError("no gfp mask; use a number of 32 bits, or flag names")
        return int(value)
    if isinstance(value, str) and not isinstance(value, Plain):
        return str(value)
    raise ValueError("no gfp mask; use a number, or flag names like GFP_KERNEL|__GFP_ZERO")


def _page_size(value: Any, _: Context) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in text.PAGE_SIZES:
        return int(value)
    raise ValueError("no page size; use a power of two from 4096 to 65536, in bytes")


def _flag(value: Any, _: Context) -> str:
    if not isinstance(value, str) or value not in FLAGS:
        raise ValueError(f"no flag; use some of {', '.join(FLAGS)}")
    return str(value)


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


def deltas_of(value: Any, read: cs.ValidatorFunctionWrapHandler, info: Any) -> dict[int, int]:
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


def counter_form(value: Any) -> Any:
    """A counter as a mapping: `5` is short for `{count: 5}`."""
    return value if type(value) is dict else {"count": value}


def _node_key(key: Any, _: Context) -> int:
    number = int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 5 else key
    if not isinstance(number, int) or not 0 <= number <= text.MAX_NODE:
        raise ValueError(f"no node; use a number from 0 to {text.MAX_NODE}")
    return int(number)


def _release(value: Any, context: Context) -> str:
    text = _text(value, context)
    parse_release(text)
    return text


PID = whole(1, 1 << 22, "pid")
FLAG01 = whole(0, 1, "setting", "0 or 1")
S32 = whole(-(1 << 31), (1 << 31) - 1, "per-CPU value")
QUANTITY, SIZE, LIMIT = _pages(_quantity, 1 - text.MAX_PAGES), _pages(_size, 0), leaf(_limit)
TEXT, COMM, BOOL = leaf(_text), leaf(_comm), leaf(_bool)
CPULIST, NODELIST = list_of(text.MAX_CPU), list_of(text.MAX_NODE)
LABEL, PATH = leaf(_label), leaf(_memcg_path)
PAGE_SIZE, VERSION = leaf(_page_size), leaf(_version)
CPU = whole(0, text.MAX_CPU, "CPU")
CPU_KEY = cs.custom_error_schema(
    cs.union_schema([cs.int_schema(strict=True, ge=0, le=text.MAX_CPU), leaf(_cpu_key)], mode="left_to_right"),
    "wrong",
    custom_error_message=f"no CPU; use a number from 0 to {text.MAX_CPU}, or a list like 8-15",
)
GFP = leaf(_gfp)
FLAG = leaf(_flag)
CPUSET_NAME = leaf(_cpuset_name)
NODE_KEY = leaf(_node_key)
RELEASE = leaf(_release)
GOLDEN = leaf(_golden)
PID_OR_COMM = leaf(_pid_or_comm)
