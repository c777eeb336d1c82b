"""`gitexport revert`: undoes what one snapshot changed, as a new snapshot."""

from __future__ import annotations

from dataclasses import dataclass

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.errors import UsageError

_WAYS_ON = "decide with --ours (today's values) or --theirs (those before it), or use --only"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertArguments:
    """What the command line says."""

    rev: str | None = None
    to: str | None = None
    side: str | None = None
    only: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    is_dry_run: bool = False


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
        ("undo it, keep today's value where both meet", "gitexport revert latest~3 --ours"),
    ],
    exit_codes=[4, 6, 7, 9],
)
@click.argument("rev", metavar="[REV]", required=False)
@click.option("--to", metavar="REV", help="Go back to REV: the same as 'restore REV'.")
@click.option("--ours", "side", flag_value="ours", help="At conflicts keep today's value.")
@click.option("--theirs", "side", flag_value="theirs", help="At conflicts take the older value.")
@click.option(
    "--only", metavar="ADDRESS", multiple=True, help="Only this entity, document or field."
)
@click.option(
    "--override",
    "overrides",
    multiple=True,
    type=click.Choice(["clock"]),
    help="Go on where this guard stops.",
)
@click.option("--dry-run", "-n", "is_dry_run", is_flag=True, help="Say what would change.")
@pass_invocation
def command(invocation: Invocation, /, **given: object) -> int:
    """Runs the command."""
    return run(RevertArguments(**given), invocation)  # type: ignore[arg-type]


def run(arguments: RevertArguments, invocation: Invocation) -> int:
    """Reverts and tells what changed."""
    from gitexport.api.restore import RevertRequest, revert
    from gitexport.cli.commands import restore
    from gitexport.cli.render.restored import print_snapshot_report
    from gitexport.export.options import Override
    from gitexport.model.address import parse_address
    from gitexport.model.field_merge import Side

    if (arguments.rev is None) == (arguments.to is None):
        message = "name one snapshot: REV to undo it, or --to REV to go back to it"
        raise UsageError(message, hint="gitexport revert --help")
    if arguments.rev is None:
        if arguments.side is not None:
            message = f"--{arguments.side} does not go with --to, which meets no conflict"
            raise UsageError(message, hint="gitexport revert --help")
        return restore.run(
            restore.RestoreArguments(
                rev=arguments.to or "",
                only=arguments.only,
                overrides=arguments.overrides,
                is_dry_run=arguments.is_dry_run,
            ),
            invocation,
        )
    request = RevertRequest(
        arguments.rev,
        None if arguments.side is None else Side(arguments.side),
        tuple(map(parse_address, arguments.only)),
        is_dry_run=arguments.is_dry_run,
        overrides=frozenset(map(Override, arguments.overrides)),
    )
    with invocation.progress() as progress:
        report = revert(invocation.settings(progress), request)
    tag = report.origin.revision
    invocation.messages.info(f"this undoes {tag}; to go back to it: gitexport restore {tag}")
    return print_snapshot_report(report, invocation, "revert", _WAYS_ON)
