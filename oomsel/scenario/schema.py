"""What each key of a scenario may hold: the schema by which pydantic-core reads plain data into models."""

from __future__ import annotations

from functools import cache, partial

from pydantic_core import CoreSchema, SchemaValidator
from pydantic_core import core_schema as cs

from oomsel import text
from oomsel.scenario import field_types, models


def table(cls: type[models.Model], **fields: CoreSchema) -> CoreSchema:
    """The schema of a mapping that becomes a `cls`; a field without default is a required key."""
    args = []
    for name, schema in fields.items():
        value = schema
        if hasattr(cls, name):  # from a factory, as a default itself would be copied each time
            value = cs.with_default_schema(schema, default_factory=partial(getattr, cls, name))
        args.append(cs.dataclass_field(name, value))
    KEYS[cls.__name__] = tuple(fields)
    return cs.dataclass_schema(
        cls,
        cs.dataclass_args_schema(cls.__name__, args),
        list(fields),
        config=cs.CoreConfig(extra_fields_behavior="forbid"),
    )


#: The keys that the mapping of each model knows.
KEYS: dict[str, tuple[str, ...]] = {}

COUNTER = cs.no_info_before_validator_function(
    field_types.counter_form,
    table(
        models.Counter,
        count=field_types.QUANTITY,
        deltas=cs.with_info_wrap_validator_function(
            field_types.deltas_of, cs.dict_schema(field_types.CPU_KEY, field_types.S32)
        ),
    ),
)
TASK = table(
    models.Task,
    pid=field_types.PID,
    tgid=field_types.PID,
    comm=field_types.COMM,
    uid=field_types.whole(0, (1 << 32) - 1, "uid"),
    oom_score_adj=field_types.whole(-1000, 1000, "oom_score_adj"),
    total_vm=field_types.SIZE,
    pgtables_bytes=field_types.whole(0, (1 << 62) - 1, "number of bytes"),
    rss=table(models.Rss, anon=COUNTER, file=COUNTER, shmem=COUNTER, swap=COUNTER, total=COUNTER),
    flags=cs.tuple_variable_schema(field_types.FLAG),
    mm=field_types.LABEL,
    thread=table(models.Thread, pid=field_types.PID, comm=field_types.COMM),
    memcg=field_types.PATH,
    cpuset=table(models.Cpuset, name=field_types.CPUSET_NAME, mems_allowed=field_types.NODELIST),
    mempolicy=field_types.NODELIST,
)
MACHINE = table(
    models.Machine,
    cpus=field_types.list_of(text.MAX_CPU, number_is_count=True),
    online=field_types.CPULIST,
    dying=field_types.CPULIST,
    page_size=field_types.PAGE_SIZE,
    ram=field_types.SIZE,
    swap=field_types.SIZE,
    batch=field_types.whole(1, (1 << 31) - 1, "batch"),
    nodes=cs.dict_schema(field_types.NODE_KEY, table(models.Node, ram=field_types.SIZE, cpus=field_types.CPULIST)),
)
MEMCG = table(models.MemcgLimits, max=field_types.LIMIT, swap_max=field_types.LIMIT, oom_group=field_types.BOOL)
OOM = table(
    models.Oom,
    current=field_types.PID,
    comm=field_types.COMM,
    gfp_mask=field_types.GFP,
    order=field_types.whole(-1, 10, "order"),
    memcg=field_types.PATH,
    nodemask=field_types.NODELIST,
    cpuset_limited=field_types.BOOL,
    totalpages=field_types.SIZE,
)
SYSCTL = table(
    models.Sysctls,
    oom_kill_allocating_task=field_types.FLAG01,
    oom_dump_tasks=field_types.FLAG01,
    panic_on_oom=field_types.whole(0, 2, "setting", "0, 1 or 2"),
)
UPDATE = table(
    models.Update,
    cpu=field_types.CPU,
    pid=field_types.PID,
    anon=field_types.QUANTITY,
    file=field_types.QUANTITY,
    shmem=field_types.QUANTITY,
    swap=field_types.QUANTITY,
    total=field_types.QUANTITY,
    repeat=field_types.whole(1, 10**9, "number of times"),
    offline=field_types.CPULIST,
    online=field_types.CPULIST,
)
PIDS_OR_COMMS = cs.tuple_variable_schema(field_types.PID_OR_COMM)
_VERDICT = {
    "victim": field_types.PID_OR_COMM,
    "nobody": field_types.BOOL,
    "panic": field_types.BOOL,
    "kills": PIDS_OR_COMMS,
    "output": field_types.GOLDEN,
}
_MODE = table(models.Verdict, **_VERDICT)
EXPECT = table(
    models.Expect,
    **_VERDICT,
    approximate=_MODE,
    precise=_MODE,
    never=PIDS_OR_COMMS,
    robust=field_types.BOOL,
    tolerance=field_types.SIZE,
)
#: The sections of a scenario, by key.
SECTIONS: dict[str, CoreSchema] = {
    "oomsel": field_types.VERSION,
    "title": field_types.TEXT,
    "description": field_types.TEXT,
    "kernel": field_types.RELEASE,
    "machine": MACHINE,
    "memcgs": cs.dict_schema(field_types.PATH, MEMCG),
    "oom": OOM,
    "sysctl": SYSCTL,
    "tasks": cs.tuple_variable_schema(TASK, min_length=1),
    "updates": cs.tuple_variable_schema(UPDATE),
    "expect": EXPECT,
}


def scenario_core_schema() -> CoreSchema:
    """The schema of a whole scenario."""
    return table(models.Scenario, **SECTIONS)


@cache
def validator() -> SchemaValidator:
    """Reads plain data as a `Scenario`."""
    return SchemaValidator(scenario_core_schema())


@cache
def section_validator(key: str) -> SchemaValidator:
    """Reads one section on its own."""
    return SchemaValidator(SECTIONS[key])
