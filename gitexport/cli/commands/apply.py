"""`gitexport apply`: makes the changes of a patch file, as a new snapshot."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import click

from gitexport.cli.global_options import output_option
from gitexport.cli.going_back import GoingBack, going_back_options, run_journey
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.errors import UsageError

_WAYS_ON = "make the patch anew against what is there: gitexport compare BASE TARGET -o json-patch"


class ApplyArguments(NamedTuple):
    """What the command line says; `-` is standard input."""

    file: str
    is_reverse: bool
    going: GoingBack


@click.command(
    "apply",
    cls=Command,
    short_help="Make the changes of a patch file, as a new snapshot.",
    help="""Make the changes of a patch file, as a new snapshot.

FILE is what 'gitexport compare BASE TARGET -o json-patch' wrote; - reads standard input. Every
place has to hold what the patch was made for: one that does not is a conflict, named with its
values, and nothing is done. Documents that are already as the patch wants them stay.""",
    examples=[
        ("take changes of another branch over", "gitexport apply changes.json"),
        ("into the rows as well", "gitexport apply changes.json --database"),
        ("undo them", "gitexport apply changes.json --reverse"),
    ],
    exit_codes=[3, 4, 6, 7, 8, 9],
)
@click.argument("file", metavar="FILE", type=click.Path(readable=False))
@click.option("--reverse", "is_reverse", is_flag=True, help="Undo the patch.")
@going_back_options
@output_option(["text", "json", "sql"])
@pass_invocation
def command(
    invocation: Invocation,
    /,
    file: str,
    *,
    is_reverse: bool,
    **shared: Any,  # noqa: ANN401 - as click has it
) -> int:
    """Runs the command."""
    return run(ApplyArguments(file, is_reverse, GoingBack(**shared)), invocation)


def run(arguments: ApplyArguments, invocation: Invocation) -> int:
    """Applies the patch and tells what changed."""
    from gitexport.api.restore import Apply
    from gitexport.compare.patch_file import read_patch

    patch = read_patch(_read(arguments.file))
    journey = Apply(patch.reversed() if arguments.is_reverse else patch)
    return run_journey("apply", journey, arguments.going, invocation, _WAYS_ON)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        with click.open_file(file, "rb") as stream:
            data: bytes = stream.read()
    except OSError as error:
        message = f"cannot read '{file}': {error.strerror}"
        raise UsageError(message, where=file) from error
    return data
