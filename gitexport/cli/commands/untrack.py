"""`gitexport untrack`: drops what `track` made."""

from __future__ import annotations

from typing import NamedTuple

import click

from gitexport.cli.commands.track import print_report
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.options import entities_option
from gitexport.cli.parser import Command


class UntrackArguments(NamedTuple):
    """What the command line says."""

    entities: tuple[str, ...]
    is_dry_run: bool


@click.command(
    "untrack",
    cls=Command,
    short_help="Drop what track made.",
    help="""Drop what track made: triggers, index, state, and the flag columns that it added.

A flag column that was there before stays, and so does what roles may do with your tables:
the REVOKE statements are printed. The schema gitexport goes with the last of it.
Rows keep all their other values, and the data repository is not touched.""",
    examples=[
        ("look at the SQL first", "gitexport untrack --dry-run"),
        ("one entity", "gitexport untrack --entity users"),
    ],
    exit_codes=[4, 8],
)
@entities_option
@click.option("--dry-run", "-n", "is_dry_run", is_flag=True, help="Print the SQL, change nothing.")
@pass_invocation
def command(invocation: Invocation, entities: tuple[str, ...], *, is_dry_run: bool) -> int:
    """Runs the command."""
    return run(UntrackArguments(entities, is_dry_run), invocation)


def run(arguments: UntrackArguments, invocation: Invocation) -> int:
    """Drops tracking and tells what was dropped."""
    from gitexport.api.track import untrack

    with invocation.progress() as progress:
        settings = invocation.settings(progress)
        report = untrack(settings, arguments.entities, dry_run=arguments.is_dry_run)
    print_report(report, invocation, "untrack")
    return 0
