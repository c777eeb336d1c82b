"""`gitexport merge-driver`: merges two changes of a document, for `git merge`."""

from __future__ import annotations

from pathlib import Path

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command


@click.command(
    "merge-driver",
    cls=Command,
    short_help="Merge two changes of a document field by field, for git merge.",
    help="""Merge two changes of a document field by field, for git merge.

git calls it for files that both sides changed, once 'gitexport hooks install' has set it. The
result replaces OURS. Fields that only one side changed are taken from there. A field that both
changed differently keeps our value, and the document says so in a member that begins with
'<<<<<<< gitexport', with the three values: set the field, remove the member, 'git add' the file.
PATH is where the file stands in the data repository.""",
    examples=[("as git does", "gitexport merge-driver %O %A %B %P")],
    exit_codes=[1],
)
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.argument("path", required=False)
@pass_invocation
def command(invocation: Invocation, base: Path, ours: Path, theirs: Path, path: str | None) -> int:
    """Runs the command."""
    return run((base, ours, theirs), path, invocation)


def run(files: tuple[Path, Path, Path], path: str | None, invocation: Invocation) -> int:
    """Merges; 1 asks git to leave the file as one with conflicts."""
    from gitexport.api.merge_driver import merge_files

    merged = merge_files(*files, path)
    name = path or str(files[1])
    if merged is None:
        invocation.messages.warn(f"'{name}' is no JSON on both sides; its lines were merged")
        return 1
    for conflict in merged.conflicts:
        field = f"the field '{conflict.pointer}'" if conflict.pointer else "the whole document"
        invocation.messages.warn(f"'{name}': both sides changed {field}")
    return 1 if merged.conflicts else 0
