"""`gitexport textconv`: a document as lines of fields, for `git diff`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command


@click.command(
    "textconv",
    cls=Command,
    short_help="Write a document as lines of fields, for git diff.",
    help="""Write a document as lines of fields, for git diff.

git calls it for both sides of a difference, once 'gitexport hooks install' has set it: 'git
diff', 'git log -p' and 'git show' then name each field by its JSON Pointer. What is no JSON, or
larger than 1 MB, is written as it is.""",
    examples=[("as git does", "gitexport textconv data/users/0/2/a/42.json")],
)
@click.argument("file", type=click.Path(path_type=Path))
@pass_invocation
def command(invocation: Invocation, file: Path) -> int:
    """Runs the command."""
    del invocation
    return run(file)


def run(file: Path) -> int:
    """Writes the lines."""
    from gitexport.api.merge_driver import show_fields

    sys.stdout.buffer.write(show_fields(file))
    return 0
