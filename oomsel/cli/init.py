"""`oomsel init`: a scenario to begin with."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from oomsel.cli import values
from oomsel.cli.common import FILE, is_quiet, print_lines, say, verbosity, write_bytes
from oomsel.text import printable

STARTER = """\
# `oomsel schema --help` says how an editor completes and checks this file.
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
    "init",
    short_help="Write a commented scenario to begin with.",
    epilog="\b\nExample:\n  oomsel init --example kubernetes",
)
@click.argument("name", default="", type=FILE)
@click.option(
    "--example",
    metavar="EXAMPLE",
    shell_complete=values.example_names,
    help="Write a shipped example instead, by its name or a part of it.",
)
@click.option("--list", "lists", is_flag=True, help="List the shipped examples and where they are.")
@click.option("--force", is_flag=True, help="Overwrite NAME.")
@verbosity
def command(name: str, example: str | None, lists: bool, force: bool) -> None:
    """Write a commented scenario to begin with to NAME, by default scenario.yaml; - for standard output.

    With --example it is one of those that come with oomsel, by default under its own name.
    """
    from oomsel.cli.examples import files_of, find

    if lists:
        if name or example is not None:
            raise click.UsageError("--list writes no file; leave the rest out", click.get_current_context())
        print_lines(_listed())
        return
    if example is None:
        name = name or "scenario.yaml"
        _refuse_ending(name, (".yaml", ".yml", ".json"))
        if name.endswith(".json"):
            what = "the scenario to begin with is YAML, for JSON has no comments; name it like outage.yaml"
            raise click.UsageError(what)
        shown = "FILE" if name == "-" else printable(name)
        text = STARTER.replace("NAME", shown)
        _write_new({name: text.encode()}, force=force)
        return
    found = find(example)
    name = name or os.path.basename(found.path)
    if found.path.endswith((".yaml", ".json")):
        _refuse_ending(name, (".yaml", ".yml") if found.path.endswith(".yaml") else (".json", ".yaml", ".yml"))
    files = files_of(found, name)
    _write_new({name: files[name]} if name == "-" else files, force=force)


def _refuse_ending(name: str, right: tuple[str, ...]) -> None:
    """Raises UsageError where a file would be called what it is not."""
    ending = os.path.splitext(name)[1].lower()
    if ending and ending not in right:
        raise click.UsageError(
            f"{name}: what is written is no {ending}; name it {right[0]}", click.get_current_context()
        )


def _listed() -> Iterator[str]:
    from oomsel.cli.examples import examples, folder

    found = examples()
    width = max(len(each.name) for each in found)
    yield from (f"{each.name:<{width}}  {each.says}" for each in found)
    yield f"They are in {folder()}; oomsel init --example EXAMPLE copies one."


def _write_new(files: dict[str, bytes], *, force: bool) -> None:
    for name in files:
        if name != "-" and os.path.lexists(name) and not force:
            raise click.UsageError(f"{name} is there already; name another file, or use --force")
    for name, raw in files.items():
        write_bytes(raw, name)
    names = [name for name in files if name != "-"]
    if names and not is_quiet():
        end = f"; now try: oomsel check {names[0]}" if b"\nexpect:" in files[names[0]] else ""
        say(f"oomsel: wrote {' and '.join(names)}{end}")
