"""`gitexport archive`: writes one snapshot as a reproducible archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.errors import UsageError
from gitexport.model.counted import counted

if TYPE_CHECKING:
    from gitexport.cli.render.output import Output
    from gitexport.transfer.archive import ArchiveReport


class ArchiveArguments(NamedTuple):
    """What the command line says; `path` is None for standard output."""

    rev: str
    path: Path | None


@click.command(
    "archive",
    cls=Command,
    short_help="Write one snapshot as a reproducible archive.",
    help="""Write the snapshot REV as FILE, a tar.gz with one directory named by its tag.

It holds the configuration, relations/, JSON Schemas and all documents, an export-summary.json
with counts, and first an index.json with the SHA-256 of every member. The same snapshot gives
the same bytes. 'gitexport import FILE' reads it without unpacking. Files of people are left
out; git archive takes those. Needs no database.""",
    examples=[
        ("the newest snapshot", "gitexport archive latest -f snapshot.tar.gz"),
        ("an earlier one, to another machine", "gitexport archive 20250622-072114 -f - | ssh …"),
        ("what was written, for a script", "gitexport archive latest -f s.tar.gz -o json"),
    ],
    exit_codes=[7, 10],
)
@click.argument("rev", metavar="REV", shell_complete=completing.revs)
@click.option(
    "-f",
    "--file",
    "path",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="The file to write, or '-' for standard output.",
)
@pass_invocation
def command(invocation: Invocation, rev: str, *, path: Path) -> int:
    """Runs the command."""
    return run(ArchiveArguments(rev, None if str(path) == "-" else path), invocation)


def run(arguments: ArchiveArguments, invocation: Invocation) -> int:
    """Writes the archive and says what it holds."""
    from gitexport.api.archive import archive_to_file, archive_to_stream

    if arguments.path is None:
        _require_pipe(invocation)
    with invocation.progress() as progress:
        settings = invocation.settings(progress)
        if arguments.path is None:
            archive_to_stream(settings, arguments.rev, _Stream(invocation.output))
            return 0
        report = archive_to_file(settings, arguments.rev, arguments.path)
    if invocation.options.is_json:
        invocation.print_json("archive", _members(report, arguments.path))
    else:
        _print(report, arguments.path, invocation.output)
    return 0


class _Stream:
    """Standard output as a place for the archive."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def write(self, data: bytes) -> None:
        """Writes all of it."""
        self._output.bytes(data)


def _require_pipe(invocation: Invocation) -> None:
    if invocation.options.is_json:
        message = "the archive and a JSON object cannot both go to standard output"
        raise UsageError(message, hint="name a file with -f, or leave out -o json")
    if invocation.output.is_terminal:
        message = "an archive is not for a terminal"
        raise UsageError(message, hint="name a file with -f, or send it into a pipe")


def _print(report: ArchiveReport, path: Path, output: Output) -> None:
    written = report.written
    output.table(
        ["entity", "documents", "bytes"],
        [
            [name, f"{entity.documents:,}", f"{entity.size_bytes:,}"]
            for name, entity in report.entities.items()
        ],
        numeric={"documents", "bytes"},
    )
    output.line(f"{path}: {written.size_bytes:,} bytes, {counted(written.members, 'member')}")
    output.line(f"snapshot {report.snapshot or 'none'}, commit {report.commit[:10]}")
    output.line(f"sha256 {written.sha256}")


def _members(report: ArchiveReport, path: Path) -> dict[str, object]:
    written = report.written
    return {
        "snapshot": report.snapshot,
        "commit": report.commit,
        "file": path,
        "members": written.members,
        "documents": sum(entity.documents for entity in report.entities.values()),
        "bytes": written.size_bytes,
        "sha256": written.sha256,
        "unpacked_bytes": written.unpacked_bytes,
        "tar_sha256": written.tar_sha256,
        "entities": {
            name: {"documents": entity.documents, "bytes": entity.size_bytes}
            for name, entity in report.entities.items()
        },
    }
