"""`gitexport reset`: marks everything pending again."""

from __future__ import annotations

from typing import NamedTuple

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.options import entities_option
from gitexport.cli.parser import Command


class ResetArguments(NamedTuple):
    """What the command line says."""

    entities: tuple[str, ...]


@click.command(
    "reset",
    cls=Command,
    short_help="Mark every row pending again.",
    help="""Mark every row pending again, so that the next export reads all of them.

Changes no other column. Documents that are still right stay as they are, so that a reset
alone never makes a commit.""",
    examples=[
        ("all entities", "gitexport reset"),
        ("one entity", "gitexport reset --entity users"),
    ],
    exit_codes=[4, 8],
)
@entities_option
@pass_invocation
def command(invocation: Invocation, entities: tuple[str, ...]) -> int:
    """Runs the command."""
    return run(ResetArguments(entities), invocation)


def run(arguments: ResetArguments, invocation: Invocation) -> int:
    """Marks rows pending and tells how many."""
    from gitexport.api.track import reset

    with invocation.progress() as progress:
        report = reset(invocation.settings(progress), arguments.entities)
    if invocation.options.is_json:
        members = {"entities": dict(report.entities), "skipped": dict(report.skipped)}
        invocation.print_json("reset", members)
    else:
        rows = [[name, f"{count:,}"] for name, count in report.entities]
        invocation.output.table(["entity", "rows now pending"], rows, numeric={"rows now pending"})
    for entity, reason in report.skipped:
        invocation.messages.info(f"note: {entity}: {reason}")
    return 0
