"""`gitexport restore`: makes data like an earlier snapshot, as a new one."""

from __future__ import annotations

from typing import Any, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.global_options import output_option
from gitexport.cli.going_back import GoingBack, going_back_options, run_journey
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command


class RestoreArguments(NamedTuple):
    """What the command line says."""

    rev: str
    only: tuple[str, ...]
    going: GoingBack


@click.command(
    "restore",
    cls=Command,
    short_help="Make the data like an earlier snapshot, as a new one.",
    help="""Make the data like snapshot REV, as a new snapshot: restore goes back to REV, revert
undoes only what REV changed and keeps what came after it.

History is never rewritten, so a restore is undone by another one. Only data goes back:
configuration, relations/ and schemas stay today's, documents go to today's layout. Without
--database no row is changed, and the next export asks who wins. With it, what is pending is
exported first; then one transaction changes the rows that differ, and an export commits them.""",
    examples=[
        ("what would change", "gitexport restore 20250622-072114 --dry-run"),
        ("the repository, back by one snapshot", "gitexport restore latest~1"),
        ("the rows as well", "gitexport restore latest~1 --database"),
        ("one document", "gitexport restore latest~1 --database --only users:42"),
        ("one field of all users", "gitexport restore 2025-06-22 --only 'users#/email'"),
        ("the statements", "gitexport restore latest~1 --database --dry-run -o sql"),
    ],
    exit_codes=[3, 4, 6, 7, 8, 9],
)
@click.argument("rev", metavar="REV", shell_complete=completing.revs)
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
    rev: str,
    only: tuple[str, ...],
    **shared: Any,  # noqa: ANN401 - as click has it
) -> int:
    """Runs the command."""
    return run(RestoreArguments(rev, only, GoingBack(**shared)), invocation)


def run(arguments: RestoreArguments, invocation: Invocation) -> int:
    """Restores and tells what changed."""
    from gitexport.api.restore import Restore
    from gitexport.model.address import parse_address

    journey = Restore(arguments.rev, tuple(map(parse_address, arguments.only)))
    return run_journey("restore", journey, arguments.going, invocation)
