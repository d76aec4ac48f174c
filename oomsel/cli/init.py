"""`oomsel init`: a scenario to begin with."""

from __future__ import annotations

import os

import click

from oomsel.cli.common import FILE, is_quiet, say, verbosity, write
from oomsel.text import printable

STARTER = """\
# yaml-language-server: $schema=oomsel.schema.json
# (`oomsel schema > oomsel.schema.json` makes that file; editors then complete and check this one.)
#
# Everything the OOM killer looks at in the moment it chooses.  To see whom it chooses:
#   oomsel select NAME
# To see whether that is what `expect` below says:
#   oomsel check NAME
oomsel: 1                       # version of the format
title: A database, a web server and a batch job
kernel: "6.18"                  # whose rules and log format; 5.4 or later

machine:
  cpus: 8                       # a count, or a list like 0-3,8
  ram: 4GiB                     # memory is in pages, or carries a unit
  swap: 0

tasks:                          # oldest first, as the kernel walks them
  - {pid: 1, comm: systemd, rss: {anon: 4MiB, file: 8MiB}}
  - {pid: 612, comm: sshd, oom_score_adj: -1000, rss: {anon: 1MiB, file: 7MiB}}
  - pid: 830
    comm: postgres
    uid: 113
    oom_score_adj: -500         # -1000 (never chosen) to 1000 (first)
    rss: {anon: 300MiB, file: 40MiB, shmem: 900MiB}
  - {pid: 1204, comm: nginx, uid: 33, rss: {anon: 60MiB, file: 12MiB}}
  - pid: 4242
    comm: batch
    uid: 1000
    rss:
      anon:
        count: 2400MiB          # the counter's global count: what the kernel reads from 6.2 to 6.19 ...
        deltas: {0: 21, 1-3: 30, 7: -4}  # ... and what each CPU has not folded into it: what 7.0 adds
      file: 9MiB

oom:                            # the allocation that failed
  current: 1204                 # whose it was
  gfp_mask: GFP_HIGHUSER_MOVABLE
  order: 0

expect:                         # what `oomsel check` holds what happens to
  victim: batch                 # a pid or a comm, in both modes; or under approximate: or precise:
  never: [sshd, postgres]       # never chosen, in no mode
  robust: true                  # the same victim, whatever the CPUs have not folded in
"""


@click.command(
    "init", short_help="Write a commented scenario to begin with.", epilog="\b\nExample:\n  oomsel init outage.yaml"
)
@click.argument("name", default="scenario.yaml", type=FILE)
@click.option("--force", is_flag=True, help="Overwrite NAME.")
@verbosity
def command(name: str, force: bool) -> None:
    """Write a commented scenario to begin with to NAME, by default scenario.yaml; - for standard output."""
    if not name:
        raise click.UsageError("an empty name; name a file, or leave it out for scenario.yaml")
    if name.endswith(".json"):
        raise click.UsageError("the scenario to begin with is YAML, for JSON has no comments; name it like outage.yaml")
    if name != "-" and os.path.lexists(name) and not force:
        raise click.UsageError(f"{name} is there already; name another file, or use --force")
    write(STARTER.replace("NAME", "FILE" if name == "-" else printable(name)), name)
    if name != "-" and not is_quiet():
        say(f"oomsel: wrote {name}; now try: oomsel check {name}")
