"""What a cgroup's path names: a pod, a container, a unit of systemd's, an LXC guest."""

from __future__ import annotations

import re
from typing import NamedTuple

_POD = re.compile(
    r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?![0-9a-f])"
)
_SCOPE = re.compile(
    r"(?:^|[/:])(docker|cri-containerd|containerd|crio|cri-o|libpod|podman)[-:]([0-9a-f]{12,64})(?:\.scope)?(?![0-9a-f])"
)
_BARE = re.compile(r"/([0-9a-f]{64})(?=/|$)")
_LXC = re.compile(r"/lxc(?:\.payload|\.monitor)?[./]([^/]+)")
_UNIT = re.compile(r"(?<![^/])([^/]+\.(?:service|scope|socket|mount|swap))(?=/|$)")
_SLICE = re.compile(r"(?<![^/])([^/]+\.slice)(?=/|$)")


class CgroupNames(NamedTuple):
    """None for what the path does not name."""

    pod: str | None = None  #: its uid
    container: str | None = None  #: its id
    unit: str | None = None  #: the innermost unit of systemd's that is neither a pod's nor a container's
    guest: str | None = None  #: an LXC guest
    runtime: str | None = None  #: of the container, as the path names it: docker, cri-containerd, crio, libpod, ...


def names_of(*paths: str | None) -> CgroupNames:
    """What the first of the paths that names a thing says of it.

    >>> names_of("/kubepods/burstable/pod11111111-2222-3333-4444-555555555555/" + 32 * "ab").pod
    '11111111-2222-3333-4444-555555555555'
    """
    pod = container = unit = guest = runtime = None
    for path in paths:
        if not path:
            continue
        if pod is None and (match := _POD.search(path)):
            pod = match[1].replace("_", "-")
        if container is None:
            scopes, bare = _SCOPE.findall(path), _BARE.findall(path)
            runtime, container = scopes[-1] if scopes else (_runtime_of(path), bare[-1]) if bare else (None, None)
        if guest is None and (match := _LXC.search(path)):
            guest = match[1]
        if unit is None:
            unit = _unit_of(path)
    return CgroupNames(pod, container, unit, guest, runtime)


def _runtime_of(path: str) -> str | None:
    """Whose directory a container's is that is called by its id alone."""
    return "docker" if re.search(r"/docker/[0-9a-f]{64}(?:/|$)", path) else None


def _unit_of(path: str) -> str | None:
    units = [name for name in _UNIT.findall(path) if not _SCOPE.search(name) and not _POD.search(name)]
    slices = [name for name in _SLICE.findall(path) if "pod" not in name]
    return units[-1] if units else slices[-1] if slices else None
