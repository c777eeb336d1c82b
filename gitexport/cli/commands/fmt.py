"""`gitexport fmt`: mends or checks the canonical form of documents."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.model.counted import counted


class FmtArguments(NamedTuple):
    """What the command line says."""

    paths: tuple[Path, ...]
    is_check: bool
    is_staged: bool


@click.command(
    "fmt",
    cls=Command,
    short_help="Bring documents that people edited into canonical form.",
    help="""Bring documents that people edited into canonical form.

Looks at the documents below PATHS, or at all. Values never change: only order, spaces and
escapes do. A document that is not JSON is named and left as it is. With --staged, the counts
in manifest.json are mended, too.""",
    examples=[
        ("mend what was edited", "gitexport fmt data/users"),
        ("only look, at what is staged", "gitexport fmt --check --staged"),
    ],
    exit_codes=[1, 7],
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", "is_check", is_flag=True, help="Change nothing; exit 1 if one is not.")
@click.option("--staged", "is_staged", is_flag=True, help="Look at what is staged for a commit.")
@pass_invocation
def command(
    invocation: Invocation, paths: tuple[Path, ...], *, is_check: bool, is_staged: bool
) -> int:
    """Runs the command."""
    return run(FmtArguments(paths, is_check, is_staged), invocation)


def run(arguments: FmtArguments, invocation: Invocation) -> int:
    """Checks or mends and names the files."""
    from gitexport.api.format import format_documents

    report = format_documents(
        invocation.settings(),
        arguments.paths,
        is_check=arguments.is_check,
        is_staged=arguments.is_staged,
    )
    if invocation.options.is_json:
        members = {"checked": report.checked, "mended": report.mended, "faults": report.faults}
        invocation.print_json("fmt", members)
        return report.exit_code
    for path in report.mended:
        invocation.output.line(f"mended {path}")
    for path, reason in report.faults.items():
        invocation.output.line(f"{path}: {reason}")
    if report.faults and arguments.is_check:
        staged = " --staged" if arguments.is_staged else ""
        invocation.messages.warn(
            f"{len(report.faults):,} of {counted(report.checked, 'document')} "
            f"{'is' if len(report.faults) == 1 else 'are'} not canonical; "
            f"'gitexport fmt{staged}' mends them"
        )
    else:
        invocation.messages.info(f"{counted(report.checked, 'document')} checked")
    return report.exit_code
