"""`gitexport history`: the history as a SQLite database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.options import span_options
from gitexport.cli.parser import Command
from gitexport.model.address import parse_address
from gitexport.model.counted import counted

if TYPE_CHECKING:
    from gitexport.history.sqlite.write import HistoryReport


class HistoryArguments(NamedTuple):
    """What the command line says."""

    addresses: tuple[str, ...]
    path: Path
    since: str | None
    until: str | None
    is_dry_run: bool


@click.command(
    "history",
    cls=Command,
    short_help="Write the history into a SQLite database.",
    help="""Write the history into a SQLite database: snapshots, every version of every document
with the snapshots between which it held, deletions, and each field that changed.

With ADDRESS, only of these entities or documents; keys may have globs, as in users:4*. A
period holds both of its ends, and starts with what the last snapshot before it held. Run it
again to add what is new: it adds all of that or nothing, and refuses a file that is
something else, of another data repository, or of another part of the history. Documents and
values are JSON text, so that numbers stay exact. Needs no database server.""",
    examples=[
        ("everything, and later what is new", "gitexport history --to history.sqlite"),
        ("two entities since a day", "gitexport history users orders --since 2025-06-01 --to f.db"),
        ("what would be added", "gitexport history --to history.sqlite --dry-run"),
    ],
    exit_codes=[4, 6, 7],
)
@click.argument("addresses", metavar="[ADDRESS]…", nargs=-1, shell_complete=completing.entities)
@click.option(
    "--to",
    "path",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="The SQLite file to make or to add to.",
)
@span_options("Begin with", "End with")
@click.option("--dry-run", "-n", "is_dry_run", is_flag=True, help="Write nothing.")
@pass_invocation
def command(invocation: Invocation, /, **given: object) -> int:
    """Runs the command."""
    return run(HistoryArguments(**given), invocation)  # type: ignore[arg-type]


def run(arguments: HistoryArguments, invocation: Invocation) -> int:
    """Writes the file and tells what was added."""
    from gitexport.api.history_file import HistoryFile, write_history

    wanted = HistoryFile(
        arguments.path,
        tuple(map(parse_address, arguments.addresses)),
        arguments.since,
        arguments.until,
        arguments.is_dry_run,
    )
    with invocation.progress() as progress:
        report = write_history(invocation.settings(progress), wanted)
    for warning in report.warnings:
        invocation.messages.warn(warning)
    if invocation.options.is_json:
        invocation.print_json("history", _members(report, arguments))
    else:
        _print(report, arguments, invocation)
    return 0


def _print(report: HistoryReport, arguments: HistoryArguments, invocation: Invocation) -> None:
    output, names = invocation.output, report.snapshots
    snapshots = counted(len(names), "snapshot")
    if not names:
        output.line(f"'{arguments.path}' has every snapshot already")
        return
    period = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    if report.is_dry_run:
        output.line(f"would add {snapshots}, {period}; nothing was written")
        return
    counts = report.counts
    versions = counted(counts.versions, "version of documents", "versions of documents")
    fields = counted(counts.field_changes, "changed field")
    output.line(f"added {snapshots}, {period}: {versions}, {fields}")


def _members(report: HistoryReport, arguments: HistoryArguments) -> dict[str, object]:
    names = report.snapshots
    counts = None if report.is_dry_run else report.counts
    return {
        "file": arguments.path,
        "dry_run": report.is_dry_run,
        "is_new": report.is_new,
        "snapshots": len(names),
        "first": names[0] if names else None,
        "last": names[-1] if names else None,
        "versions": counts and counts.versions,
        "field_changes": counts and counts.field_changes,
        "warnings": report.warnings,
    }
