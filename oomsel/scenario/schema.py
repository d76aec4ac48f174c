"""What each key of a scenario may hold: the schema by which pydantic-core reads plain data into models."""

from __future__ import annotations

from functools import cache, partial

from pydantic_core import CoreSchema, SchemaValidator
from pydantic_core import core_schema as cs

from oomsel.scenario import leaves, models, units


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
    leaves.counter_form,
    table(
        models.Counter,
        count=leaves.QUANTITY,
        deltas=cs.with_info_wrap_validator_function(leaves.deltas_of, cs.dict_schema(leaves.CPU_KEY, leaves.S32)),
    ),
)
TASK = table(
    models.Task,
    pid=leaves.PID,
    tgid=leaves.PID,
    comm=leaves.COMM,
    uid=leaves.whole(0, (1 << 32) - 1, "uid"),
    oom_score_adj=leaves.whole(-1000, 1000, "oom_score_adj"),
    total_vm=leaves.SIZE,
    pgtables_bytes=leaves.whole(0, (1 << 62) - 1, "number of bytes"),
    rss=table(models.Rss, anon=COUNTER, file=COUNTER, shmem=COUNTER, swap=COUNTER, total=COUNTER),
    flags=cs.tuple_variable_schema(leaves.FLAG),
    mm=leaves.LABEL,
    thread=table(models.Thread, pid=leaves.PID, comm=leaves.COMM),
    memcg=leaves.PATH,
    cpuset=table(models.Cpuset, name=leaves.CPUSET_NAME, mems_allowed=leaves.NODELIST),
    mempolicy=leaves.NODELIST,
)
MACHINE = table(
    models.Machine,
    cpus=leaves.list_of(units.MAX_CPU, number_is_count=True),
    online=leaves.CPULIST,
    dying=leaves.CPULIST,
    page_size=leaves.PAGE_SIZE,
    ram=leaves.SIZE,
    swap=leaves.SIZE,
    batch=leaves.whole(1, (1 << 31) - 1, "batch"),
    nodes=cs.dict_schema(leaves.NODE_KEY, table(models.Node, ram=leaves.SIZE, cpus=leaves.CPULIST)),
)
MEMCG = table(models.MemcgLimits, max=leaves.LIMIT, swap_max=leaves.LIMIT, oom_group=leaves.BOOL)
OOM = table(
    models.Oom,
    current=leaves.PID,
    comm=leaves.COMM,
    gfp_mask=leaves.GFP,
    order=leaves.whole(-1, 10, "order"),
    memcg=leaves.PATH,
    nodemask=leaves.NODELIST,
    cpuset_limited=leaves.BOOL,
    totalpages=leaves.SIZE,
)
SYSCTL = table(
    models.Sysctls,
    oom_kill_allocating_task=leaves.FLAG01,
    oom_dump_tasks=leaves.FLAG01,
    panic_on_oom=leaves.whole(0, 2, "setting", "0, 1 or 2"),
)
UPDATE = table(
    models.Update,
    cpu=leaves.CPU,
    pid=leaves.PID,
    anon=leaves.QUANTITY,
    file=leaves.QUANTITY,
    shmem=leaves.QUANTITY,
    swap=leaves.QUANTITY,
    total=leaves.QUANTITY,
    repeat=leaves.whole(1, 10**9, "number of times"),
    offline=leaves.CPULIST,
    online=leaves.CPULIST,
)
PIDS_OR_COMMS = cs.tuple_variable_schema(leaves.PID_OR_COMM)
_VERDICT = {
    "victim": leaves.PID_OR_COMM,
    "nobody": leaves.BOOL,
    "panic": leaves.BOOL,
    "kills": PIDS_OR_COMMS,
    "output": leaves.GOLDEN,
}
_MODE = table(models.Verdict, **_VERDICT)
EXPECT = table(
    models.Expect,
    **_VERDICT,
    approximate=_MODE,
    precise=_MODE,
    never=PIDS_OR_COMMS,
    robust=leaves.BOOL,
    tolerance=leaves.SIZE,
)
#: The sections of a scenario, by key.
SECTIONS: dict[str, CoreSchema] = {
    "oomsel": leaves.VERSION,
    "title": leaves.TEXT,
    "description": leaves.TEXT,
    "kernel": leaves.RELEASE,
    "machine": MACHINE,
    "memcgs": cs.dict_schema(leaves.PATH, MEMCG),
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
