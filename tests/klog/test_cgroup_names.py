# ruff: noqa: E501 - paths stay whole
"""Whose a cgroup is, by the paths that container runtimes and systemd make."""

from __future__ import annotations

import pytest

from oomsel.klog.cgroup_names import CgroupNames, names_of

UID = "11111111-2222-3333-4444-555555555555"
ID = "ab12" * 16


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice/cri-containerd-{ID}.scope",
            CgroupNames(UID, ID, runtime="cri-containerd"),
        ),
        (f"/kubepods/besteffort/pod{UID}/{ID}", CgroupNames(UID, ID)),
        (f"/kubepods/besteffort/pod{UID}", CgroupNames(UID)),
        (f"/kubepods/pod{'0123456789abcdef' * 2}/{ID}", CgroupNames("0123456789abcdef" * 2, ID)),
        (f"/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice/crio-{ID}.scope/container",
         CgroupNames(UID, ID, runtime="crio")),
        (f"/system.slice/containerd.service/kubepods-pod{UID.replace('-', '_')}.slice:cri-containerd:{ID}",
         CgroupNames(UID, ID, "containerd.service", runtime="cri-containerd")),
        (f"/docker/{ID}", CgroupNames(container=ID, runtime="docker")),
        (f"/ecs/{ID}", CgroupNames(container=ID)),
        (f"/system.slice/docker-{ID}.scope", CgroupNames(container=ID, unit="system.slice", runtime="docker")),
        (f"/machine.slice/libpod-{ID}.scope/container", CgroupNames(container=ID, unit="machine.slice", runtime="libpod")),
        ("/system.slice/nginx.service", CgroupNames(unit="nginx.service")),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-12.scope", CgroupNames(unit="app-firefox-12.scope")),
        ("/user.slice/user-1000.slice/session-3.scope", CgroupNames(unit="session-3.scope")),
        ("/lxc/39004/ns", CgroupNames(guest="39004")),
        ("/lxc.payload.web/system.slice/nginx.service", CgroupNames(unit="nginx.service", guest="web")),
        ("/app/b", CgroupNames()),
        ("/", CgroupNames()),
    ],
)  # fmt: skip
def test_names(path: str, names: CgroupNames) -> None:
    assert names_of(path) == names


def test_what_one_path_lacks_the_other_may_have() -> None:
    assert names_of(None, f"/kubepods/pod{UID}", f"/kubepods/pod{UID}/{ID}") == CgroupNames(UID, ID)
