"""`gitexport relayout`: moves documents to the configured directories."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command

if TYPE_CHECKING:
    from gitexport.setup.relayout import RelayoutReport


class RelayoutArguments(NamedTuple):
    """What the command line says."""

    is_dry_run: bool


@click.command(
    "relayout",
    cls=Command,
    short_help="Move documents to the configured layout, in one commit.",
    help="""Bring files to the configured layout, as one tagged commit of pure renames.

Change 'directory', 'shard' or 'key' of entities in gitexport.toml, or rename an entity and set
'renamed_from', then run this. No row is read, no document changes, rows that are not pending
stay so, and git log --follow goes on. The changed gitexport.toml is part of the commit.
Needs no database.""",
    examples=[
        ("what would move", "gitexport relayout --dry-run"),
        ("after editing gitexport.toml", "gitexport relayout"),
    ],
    exit_codes=[4, 6, 7],
)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would move; write nothing.")
@pass_invocation
def command(invocation: Invocation, *, is_dry_run: bool) -> int:
    """Runs the command."""
    return run(RelayoutArguments(is_dry_run), invocation)


def run(arguments: RelayoutArguments, invocation: Invocation) -> int:
    """Moves the documents and tells what moved."""
    from gitexport.api.relayout import relayout

    with invocation.progress() as progress:
        report = relayout(invocation.settings(progress), dry_run=arguments.is_dry_run)
    for warning in report.warnings:
        invocation.messages.warn(warning)
    if invocation.options.is_json:
        invocation.print_json("relayout", _members(report))
    else:
        _print(report, invocation)
    if report.not_shown is not None:
        invocation.messages.error(report.not_shown)
        return report.not_shown.exit_code
    return 0


def _print(report: RelayoutReport, invocation: Invocation) -> None:
    output = invocation.output
    if not report.entities:
        output.line("every document is where the configuration wants it")
        return
    output.table(
        ["entity", "files", "from", "to"],
        [
            [
                move.name,
                f"{move.files:,}",
                f"{move.from_directory} ({move.from_shard})",
                f"{move.to_directory} ({move.to_shard})",
            ]
            for move in report.entities
        ],
        numeric={"files"},
    )
    for move in report.entities:
        if move.former_key is not None:
            output.line(f"files of {move.name} were named by {', '.join(move.former_key)} before")
    if report.is_dry_run:
        output.line("nothing was changed")
        return
    output.line(f"snapshot {report.snapshot}, commit {(report.commit or '')[:10]}")
    if not report.is_shown:
        output.line("the branch is not checked out here; the working tree is as it was")


def _members(report: RelayoutReport) -> dict[str, object]:
    return {
        "snapshot": report.snapshot,
        "commit": report.commit,
        "dry_run": report.is_dry_run,
        "not_shown": None if report.not_shown is None else report.not_shown.message,
        "files": report.files,
        "entities": {
            move.name: {
                "files": move.files,
                "from": {"directory": move.from_directory, "shard": move.from_shard},
                "to": {"directory": move.to_directory, "shard": move.to_shard},
                "renamed_from": move.former_name,
                "former_key": None if move.former_key is None else list(move.former_key),
            }
            for move in report.entities
        },
        "warnings": report.warnings,
    }
