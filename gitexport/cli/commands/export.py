"""`gitexport export`: pending rows become one tagged commit."""

from __future__ import annotations

from typing import NamedTuple

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.options import entities_option
from gitexport.cli.parser import Command

_OVERRIDES = ("deletes", "source", "clock", "edits", "cascade")


class ExportArguments(NamedTuple):
    """What the command line says."""

    full: bool = False
    entities: tuple[str, ...] = ()
    limit: int = 0
    branch: str | None = None
    is_dry_run: bool = False
    message: str | None = None
    push: bool = False
    allow_empty: bool = False
    overrides: tuple[str, ...] = ()
    allow_deletes: bool = False
    accept_config: bool = False
    is_strict: bool = False


@click.command(
    "export",
    cls=Command,
    short_help="Commit and tag what changed since the last snapshot.",
    help="""Commit and tag what changed since the last snapshot.

Reads the pending rows in one consistent view, rewrites their documents, commits them, tags
the commit with its UTC time, and only then marks exactly those row versions as exported. No
change means no commit. Stopped at any point, the next export completes the work.""",
    examples=[
        ("what is pending", "gitexport export"),
        ("say what would happen, write nothing", "gitexport export --dry-run"),
        ("read every row, compare every key", "gitexport export --full"),
        (
            "unattended, and published",
            "gitexport export --push -o json --log-file /var/log/gitexport.log",
        ),
    ],
    exit_codes=[3, 4, 5, 6, 7, 8],
)
@click.option("--full", is_flag=True, help="Read every row and compare every key.")
@entities_option
@click.option(
    "--limit", metavar="N", default=0, type=click.IntRange(min=0), help="The first N rows; 0: all."
)
@click.option("--branch", metavar="B", help="Commit to this branch; rows stay pending.")
@click.option("--dry-run", "-n", "is_dry_run", is_flag=True, help="Write nothing anywhere.")
@click.option("--message", "-m", metavar="M", help="Add this to the commit's message.")
@click.option("--push", is_flag=True, help="Publish branch and tags afterwards.")
@click.option("--allow-empty", is_flag=True, help="Make a snapshot even if nothing changed.")
@click.option(
    "--override",
    "overrides",
    multiple=True,
    type=click.Choice(_OVERRIDES),
    help="Go on where this guard stops.",
)
@click.option("--allow-deletes", is_flag=True, help="Short for --override deletes.")
@click.option("--accept-config", is_flag=True, help="Let SQL run that came by clone or pull.")
@click.option("--strict", "is_strict", is_flag=True, help="All or nothing: no quarantine.")
@pass_invocation
def command(invocation: Invocation, /, **given: object) -> int:
    """Runs the command."""
    return run(ExportArguments(**given), invocation)  # type: ignore[arg-type]


def run(arguments: ExportArguments, invocation: Invocation) -> int:
    """Exports and tells what happened."""
    from gitexport.api.export import ExportRequest, export
    from gitexport.cli.render.export import print_outcome
    from gitexport.export.options import ExportOptions, Override

    overrides = {Override(name) for name in arguments.overrides}
    if arguments.allow_deletes:
        overrides.add(Override.DELETES)
    options = ExportOptions(
        full=arguments.full,
        entities=arguments.entities,
        limit=arguments.limit,
        branch=arguments.branch,
        is_dry_run=arguments.is_dry_run,
        message=arguments.message,
        allow_empty=arguments.allow_empty,
        overrides=frozenset(overrides),
        is_strict=arguments.is_strict,
        with_details=invocation.options.verbose,
    )
    request = ExportRequest(options, accept_config=arguments.accept_config, push=arguments.push)
    with invocation.progress() as progress:
        outcome = export(invocation.settings(progress), request)
    return print_outcome(outcome, invocation)
