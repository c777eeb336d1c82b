"""`gitexport demo`: the main job on sample data, with nothing installed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command

_ROWS = 10_000


class DemoArguments(NamedTuple):
    """What the command line says."""

    directory: Path | None
    rows: int


@click.command(
    "demo",
    cls=Command,
    short_help="Show the main job on sample data, with a database of its own.",
    help="""Show the main job on sample data: start a PostgreSQL of our own, fill tables like
those of an analytics site, track them, export, change 50 users, export again, restore these
rows, compare the snapshots, and show what happened. The database is gone afterwards; the data
repository stays.

DIR is where the data repository goes: by default a new temporary directory. Where DIR is
not empty, a new directory is made inside of it. Needs nothing but Python and git, and a user
that the system's list of users knows. No other database is used: --dsn is refused.""",
    examples=[
        ("the whole story in a few seconds", "gitexport demo"),
        ("with more rows, in a directory of yours", "gitexport demo ~/demo --rows 100000"),
    ],
    exit_codes=[8],
)
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--rows", metavar="N", type=int, default=_ROWS, show_default=True, help="How many users."
)
@pass_invocation
def command(invocation: Invocation, directory: Path | None, rows: int) -> int:
    """Runs the command."""
    return run(DemoArguments(directory, rows), invocation)


def run(arguments: DemoArguments, invocation: Invocation) -> int:
    """Runs the demo, telling each step when it is done, and shows what came of it."""
    from gitexport.api.demo import DemoOptions, demo
    from gitexport.cli.render.demo import members, print_demo, print_step

    options = DemoOptions(arguments.directory, arguments.rows)
    with invocation.progress() as progress:
        report = demo(
            invocation.settings(progress),
            options,
            lambda step: print_step(step.what, step.milliseconds, progress),
        )
    if invocation.options.is_json:
        invocation.print_json("demo", members(report))
    else:
        print_demo(report, invocation.output)
    return 0
