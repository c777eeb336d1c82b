"""`gitexport revert`: undoes what one snapshot changed, as a new snapshot."""

from __future__ import annotations

from typing import Any, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.commands import restore
from gitexport.cli.global_options import output_option
from gitexport.cli.going_back import GoingBack, going_back_options, run_journey
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.errors import UsageError

_WAYS_ON = "decide with --ours (today's values) or --theirs (those before it), or use --only"


class RevertArguments(NamedTuple):
    """What the command line says."""

    rev: str
    only: tuple[str, ...]
    side: str | None
    going: GoingBack


@click.command(
    "revert",
    cls=Command,
    short_help="Undo what one snapshot changed, as a new snapshot.",
    help="""Undo what snapshot REV changed and keep what came after it, as a new snapshot: revert
undoes REV, restore goes back to it.

Every field that REV changed gets the value from before REV. A field that was changed again
since is a conflict: it is named with its three values, and nothing is done until --ours or
--theirs decides. 'revert --to REV' is 'restore REV'.""",
    examples=[
        ("what undoing the last snapshot would change", "gitexport revert latest --dry-run"),
        ("undo it, in the rows as well", "gitexport revert latest --database"),
        ("keep today's value where both meet", "gitexport revert latest~3 --ours"),
    ],
    exit_codes=[3, 4, 6, 7, 8, 9],
)
@click.argument("rev", metavar="[REV]", required=False, shell_complete=completing.revs)
@click.option(
    "--to",
    metavar="REV",
    shell_complete=completing.revs,
    help="Go back to REV: the same as 'restore REV'.",
)
@click.option("--ours", is_flag=True, help="At conflicts keep today's value.")
@click.option("--theirs", is_flag=True, help="At conflicts take the older value.")
@click.option(
    "--only",
    metavar="ADDRESS",
    shell_complete=completing.entities,
    multiple=True,
    help="Only this entity, document or field.",
)
@going_back_options
@output_option(["text", "json", "sql"])
@pass_invocation
def command(
    invocation: Invocation,
    /,
    rev: str | None,
    to: str | None,
    only: tuple[str, ...],
    **shared: Any,  # noqa: ANN401 - as click has it
) -> int:
    """Runs the command."""
    side = _side([name for name in ("ours", "theirs") if shared.pop(name)])
    going = GoingBack(**shared)
    if rev is not None and to is None:
        return run(RevertArguments(rev, only, side, going), invocation)
    if rev is not None or to is None:
        message = "name one snapshot: REV to undo it, or --to REV to go back to it"
        raise UsageError(message, hint="gitexport revert --help")
    if side is not None:
        message = f"--{side} does not go with --to, which meets no conflict"
        raise UsageError(message, hint="gitexport revert --help")
    return restore.run(restore.RestoreArguments(to, only, going), invocation)


def _side(sides: list[str]) -> str | None:
    if len(sides) > 1:
        message = "--ours and --theirs exclude each other"
        raise UsageError(message, hint="name one: --ours keeps today's values, --theirs older ones")
    return sides[0] if sides else None


def run(arguments: RevertArguments, invocation: Invocation) -> int:
    """Reverts and tells what changed."""
    from gitexport.api.restore import Revert
    from gitexport.model.address import parse_address
    from gitexport.model.field_merge import Side

    side = None if arguments.side is None else Side(arguments.side)
    journey = Revert(arguments.rev, tuple(map(parse_address, arguments.only)), side)
    return run_journey("revert", journey, arguments.going, invocation, _WAYS_ON)
