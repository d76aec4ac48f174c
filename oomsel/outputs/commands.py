"""What to write or run for a limit or an oom_score_adj, in the words of whoever owns the cgroup."""

from __future__ import annotations

from shlex import quote

from oomsel.klog.cgroup_names import CgroupNames
from oomsel.klog.event import OomEvent
from oomsel.outputs.scope import Scope
from oomsel.text import UNLIMITED_KB, printable


def limit_line(event: OomEvent, scope: Scope, mib: int) -> str | None:
    """A limit of so many MiB, in its owner's words; None where the cgroup's name is lost or cannot be typed.

    Whoever makes a cgroup calls it what he likes, and the line is copied into a shell: names are quoted for it.
    """
    names = scope.names
    if scope.path is None or printable(scope.path) != scope.path:
        return None
    if names.pod is not None:
        return f"resources: {{limits: {{memory: {mib}Mi}}}}  # in the pod's container"
    if names.runtime is not None and (line := _container_line(event, names, mib)) is not None:
        return line
    if names.guest is not None:
        is_proxmox = event.current is not None and (event.current.release or "").endswith("-pve")
        guest = quote(names.guest)
        return f"pct set {guest} --memory {mib}" if is_proxmox else f"lxc config set {guest} limits.memory {mib}MiB"
    if names.unit is not None and names.container is None:
        return f"systemctl set-property {quote(names.unit)} MemoryMax={mib}M"
    return _file_line(event, scope.path, mib)


def _container_line(event: OomEvent, names: CgroupNames, mib: int) -> str | None:
    """In the words of the container's runtime; None where it has none for it."""
    container = quote((names.container or "")[:12])
    both = _both_mib(event, mib)  # of memory and swap together, which has to go up with that of memory
    swap = "" if both is None else f" --memory-swap {both}m"
    if names.runtime == "docker":
        return f"docker update --memory {mib}m{swap} {container}"
    if names.runtime in ("libpod", "podman"):
        return f"podman update --memory {mib}m{swap} {container}"
    if names.runtime in ("cri-containerd", "crio", "cri-o"):
        return f"crictl update --memory {mib << 20} {container}"
    return None


def _file_line(event: OomEvent, path: str, mib: int) -> str:
    """What to write into the cgroup's own files."""
    folder = path.rstrip("/")
    if event.memcg.memsw is None:
        return f"echo {mib}M > {quote(f'/sys/fs/cgroup{folder}/memory.max')}"
    v1, both = f"/sys/fs/cgroup/memory{folder}", _both_mib(event, mib)
    # The limit of memory and swap together may not be below that of memory, so it is raised first.
    first = "" if both is None else f"echo {both}M > {quote(f'{v1}/memory.memsw.limit_in_bytes')} && "
    return f"{first}echo {mib}M > {quote(f'{v1}/memory.limit_in_bytes')}"


def _both_mib(event: OomEvent, mib: int) -> int | None:
    """MiB of memory and swap together that leave as much swap as before; None where that has no limit."""
    memcg = event.memcg
    swap = memcg.swap
    if memcg.memsw is not None:
        swap = memcg.memsw if memcg.memsw >= UNLIMITED_KB else memcg.memsw - (memcg.memory or 0)
    return None if swap is None or swap >= UNLIMITED_KB else mib + -(-max(swap, 0) // 1024)


def adj_line(adj: int, pid: int, dead: CgroupNames | None) -> str | None:
    """What to write for an oom_score_adj; of a process that is dead, and the names of its cgroup, for the next one."""
    if dead is None:
        return f"echo {adj} > /proc/{pid}/oom_score_adj"
    if dead.pod is not None:
        return None  # the kubelet sets it, by the pod's class
    if dead.container is not None and dead.runtime is not None:
        program = {"docker": "docker", "libpod": "podman", "podman": "podman"}.get(dead.runtime)
        return None if program is None else f"{program} run --oom-score-adj {adj} ..."
    if dead.unit is not None and dead.unit.endswith(".service"):
        return f"OOMScoreAdjust={adj}  # in [Service] of {printable(dead.unit)}"
    return f"echo {adj} > /proc/PID/oom_score_adj  # the PID of the next one"
