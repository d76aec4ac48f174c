"""Where a report's tasks stand: only the victim's cgroup is printed, so that the others' is what keeps the order."""

from __future__ import annotations

from collections.abc import Sequence

from oomsel.inputs.log.facts import Facts
from oomsel.klog.event import OomEvent
from oomsel.scenario.models import MemcgLimits, Task
from oomsel.scenario.rules.machine import pids_of
from oomsel.text import is_below, printable

#: The cgroup that ran out, where the report does not name it.
UNNAMED = "/?"


class LogMemcgs:
    """The cgroups that a report names, and the place of each of its tasks, in their order."""

    def __init__(self, event: OomEvent, facts: Facts, tasks: Sequence[Task]) -> None:
        self.notes: list[str] = []
        self._limits: dict[str, MemcgLimits] = {}
        self._event = event
        self.domain = self._domain(facts)  #: the cgroup that ran out, None for none
        own = event.summary.task_memcg if event.summary else event.memcg.task_path
        self._own = self._declare(own) if own is not None else None
        if self.domain is not None and not (self._own and is_below(self._own, self.domain)):
            if self._own is not None:
                self.notes.append(f"the victim's cgroup {printable(self._own)} is not below the one that ran out")
            self._own = self.domain
        self._group = self._declare(event.group[1]) if event.group else None
        if self._group is not None:
            self._set(self._group, oom_group=True)
        self.place = self._places(tasks)  #: a path for each task
        self._order_walk(tasks)

    @property
    def limits(self) -> dict[str, MemcgLimits]:
        """Every cgroup with its limits, those above before those below."""
        return self._limits

    def _domain(self, facts: Facts) -> str | None:
        event = self._event
        if not event.is_memcg:
            return None
        stated = event.summary.oom_memcg if event.summary and event.summary.oom_memcg else event.memcg.path
        if stated is None:
            self.notes.append(f"which cgroup ran out is not in the log: {UNNAMED} stands for it")
        domain = self._declare(stated or UNNAMED) or self._declare(UNNAMED)
        if domain is not None and facts.memcg_max is not None:
            self._set(domain, max=facts.memcg_max, swap_max=facts.memcg_swap_max)
        return domain

    def _set(self, path: str, **limits: object) -> None:
        self._limits[path] = MemcgLimits(**vars(self._limits[path]) | limits)

    def _places(self, tasks: Sequence[Task]) -> list[str]:
        members = self._members(tasks)
        if self.domain is None:
            return [self._own or "/" if index in members else "/" for index in range(len(tasks))]
        if not members:  # the victim's row is lost, or nobody was killed
            return [self.domain] * len(tasks)
        first, last = members[0], members[-1]
        own = self._own if self._group is None or (self._own and is_below(self._own, self._group)) else self._group
        after = self._own or self.domain
        if self._group is not None and last + 1 < len(tasks):
            # A task after the group's members is in none of its cgroups.
            after = self._declare(f"{self.domain.rstrip('/')}/?") or after
        within = own or self.domain
        return [self.domain if index < first else after if index > last else within for index in range(len(tasks))]

    def _order_walk(self, tasks: Sequence[Task]) -> None:
        """State the order in which a group's members were killed, where a global report's table has another."""
        event, path = self._event, self._own
        if self.domain is not None or self._group is None or path is None:
            return
        leader_of = {pid: task.pid for task in tasks for pid in pids_of(task)}
        walked = list(dict.fromkeys(leader_of[line.pid] for line in event.walk if line.pid in leader_of))
        placed = [task.pid for task, place in zip(tasks, self.place, strict=True) if place == path]
        order = [pid for pid in placed if pid not in walked] + [pid for pid in walked if pid in placed]
        if order != placed:
            self._set(path, order=tuple(order))

    def _members(self, tasks: Sequence[Task]) -> list[int]:
        """The tasks that were killed, or of which the report says that they were chosen."""
        event = self._event
        pids = {kill.pid for kill in event.kills} | ({event.summary.pid} if event.summary else set())
        return [index for index, task in enumerate(tasks) if pids & set(pids_of(task))]

    def _declare(self, path: str) -> str | None:
        """Declare a cgroup and those above it; its path as a scenario writes it, None for what is no path."""
        if path == "/" or not path.startswith("/"):
            return None
        parts = path.strip("/").split("/")
        if any(part in ("", ".", "..") for part in parts) or "\n" in path or "\0" in path or len(path) > 4096:
            self.notes.append(f"{printable(path)} is no path of a cgroup and left out")
            return None
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            self.notes.append(f"{printable(path)} is not UTF-8 and left out")
            return None
        for end in range(1, len(parts) + 1):
            self._limits.setdefault("/" + "/".join(parts[:end]), MemcgLimits())
        return "/" + "/".join(parts)
