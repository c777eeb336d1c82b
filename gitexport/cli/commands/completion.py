"""`gitexport completion`: prints a shell's completion script."""

from __future__ import annotations

from typing import NamedTuple

import click
from click.shell_completion import get_completion_class

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import COMPLETE_VARIABLE, Command, make_group

_SHELLS = ("bash", "zsh", "fish")


class CompletionArguments(NamedTuple):
    """Which shell's script to print."""

    shell: str


@click.command(
    "completion",
    cls=Command,
    short_help="Print the completion script of a shell.",
    help="""Print the completion script of a shell. It asks gitexport itself for the words:
commands, options, and the entities, snapshots and remotes of the data repository.""",
    examples=[
        ("for this bash", 'eval "$(gitexport completion bash)"'),
        ("for every zsh", 'gitexport completion zsh > "${fpath[1]}/_gitexport"'),
        ("for every fish", "gitexport completion fish > ~/.config/fish/completions/gitexport.fish"),
    ],
)
@click.argument("shell", type=click.Choice(_SHELLS))
@pass_invocation
def command(invocation: Invocation, shell: str) -> int:
    """Runs the command."""
    return run(CompletionArguments(shell), invocation)


def run(arguments: CompletionArguments, invocation: Invocation) -> int:
    """Prints the script."""
    kind = get_completion_class(arguments.shell)
    assert kind is not None  # noqa: S101 - click knows the shells offered
    script = kind(make_group(has_color=False), {}, "gitexport", COMPLETE_VARIABLE).source()
    if invocation.options.is_json:
        invocation.print_json("completion", {"shell": arguments.shell, "script": script})
    else:
        invocation.output.text(script)
    return 0
