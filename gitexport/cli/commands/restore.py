"""`gitexport restore`: makes data like an earlier snapshot, as a new one."""

from __future__ import annotations

from dataclasses import dataclass

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreArguments:
    """What the command line says."""

    rev: str
    only: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    is_dry_run: bool = False


@click.command(
    "restore",
    cls=Command,
    short_help="Make the data like an earlier snapshot, as a new one.",
    help="""Make the data like snapshot REV, as a new snapshot: restore goes back to REV, revert
undoes only what REV changed and keeps what came after it.

History is never rewritten, so a restore is undone by another one. Only data goes back:
configuration, relations/ and schemas stay today's, documents go to today's layout. No row of the
database is changed, so the next export asks who wins, the rows or the restored documents.""",
    examples=[
        ("what would change", "gitexport restore 20250622-072114 --dry-run"),
        ("the repository, back by one snapshot", "gitexport restore latest~1"),
        ("one document", "gitexport restore latest~1 --only users:42"),
        ("one field of all users", "gitexport restore 2025-06-22 --only 'users#/email'"),
    ],
    exit_codes=[4, 6, 7],
)  # fmt: skip
@click.argument("rev", metavar="REV")
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
    return run(RestoreArguments(**given), invocation)  # type: ignore[arg-type]


def run(arguments: RestoreArguments, invocation: Invocation) -> int:
    """Restores and tells what changed."""
    from gitexport.api.restore import RestoreRequest, restore
    from gitexport.cli.render.restored import print_snapshot_report
    from gitexport.export.options import Override
    from gitexport.model.address import parse_address

    request = RestoreRequest(
        arguments.rev,
        tuple(map(parse_address, arguments.only)),
        is_dry_run=arguments.is_dry_run,
        overrides=frozenset(map(Override, arguments.overrides)),
    )
    with invocation.progress() as progress:
        report = restore(invocation.settings(progress), request)
    return print_snapshot_report(report, invocation, "restore")
