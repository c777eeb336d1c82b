"""`gitexport track`: sets up what notices changed and deleted rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.options import entities_option
from gitexport.cli.parser import Command
from gitexport.model.counted import counted

if TYPE_CHECKING:
    from gitexport.model.tracking import TrackReport


class TrackArguments(NamedTuple):
    """What the command line says."""

    entities: tuple[str, ...]
    role: str | None
    is_dry_run: bool


@click.command(
    "track",
    cls=Command,
    short_help="Set up what notices changed and deleted rows.",
    help="""Set up what notices changed and deleted rows.

Makes, where they are missing, the flag column, the triggers, a partial index, and the state
in the schema gitexport. Takes no long locks, and may be run again at any time. Needs the
rights of the tables' owner once; --role names the role that exports from then on.""",
    examples=[
        ("look at the SQL first", "gitexport track --dry-run"),
        ("all entities, for exports by another role", "gitexport track --role exporter"),
        ("one entity", "gitexport track --entity users"),
    ],
    exit_codes=[4, 6, 8],
)
@entities_option
@click.option("--role", metavar="R", help="Grant this role what an export needs.")
@click.option("--dry-run", "-n", "is_dry_run", is_flag=True, help="Print the SQL, change nothing.")
@pass_invocation
def command(
    invocation: Invocation, entities: tuple[str, ...], role: str | None, *, is_dry_run: bool
) -> int:
    """Runs the command."""
    return run(TrackArguments(entities, role, is_dry_run), invocation)


def run(arguments: TrackArguments, invocation: Invocation) -> int:
    """Sets up tracking and tells what was made."""
    from gitexport.api.track import track

    with invocation.progress() as progress:
        report = track(
            invocation.settings(progress),
            arguments.entities,
            role=arguments.role,
            dry_run=arguments.is_dry_run,
        )
    print_report(report, invocation, "track")
    return 0


def print_report(report: TrackReport, invocation: Invocation, name: str) -> None:
    """Prints what `track` and `untrack` did: SQL in a dry run, else a line for each entity."""
    if invocation.options.is_json:
        invocation.print_json(
            name,
            {
                "entities": report.entities,
                "statements": report.statements,
                "skipped": dict(report.skipped),
                "findings": report.findings,
                **({"revokes": report.revokes} if name == "untrack" else {}),
                "dry_run": report.is_dry_run,
            },
        )
    elif report.is_dry_run:
        for statement in report.statements:
            invocation.output.text(statement.rstrip().removesuffix(";") + ";")
    else:
        verb = "tracked" if name == "track" else "no longer tracked"
        what = (
            counted(len(report.statements), "statement") if report.statements else "nothing to do"
        )
        names = ", ".join(report.entities) or "no entity"
        invocation.output.line(f"{verb}: {names} ({what})")
    for entity, reason in report.skipped:
        invocation.messages.info(f"note: {entity}: {reason}")
    if report.revokes:
        invocation.messages.info(
            "note: what roles that export may do with your tables stays, as nothing tells who "
            "granted it; to take it back, unless they need it for something else: "
            + "; ".join(report.revokes)
        )
    for finding in report.findings:
        hint = f"; {finding.hint}" if finding.hint else ""
        invocation.messages.warn(f"{finding.entity}: {finding.message}{hint}")
