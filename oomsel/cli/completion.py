"""`oomsel completion`: what makes a shell complete commands, options and files."""

from __future__ import annotations

import click

from oomsel.cli.common import write


@click.command(
    "completion",
    short_help="Print the completion script of a shell.",
    epilog='\b\nExample:\n  eval "$(oomsel completion bash)"',
)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a script that makes SHELL (bash, zsh or fish) complete commands, options, their values and files.

    In ~/.bashrc: eval "$(oomsel completion bash)".  In ~/.zshrc, after compinit: eval "$(oomsel
    completion zsh)".  For fish: oomsel completion fish > ~/.config/fish/completions/oomsel.fish
    """
    from oomsel.cli.shells import SCRIPTS

    write(SCRIPTS[shell], None)
