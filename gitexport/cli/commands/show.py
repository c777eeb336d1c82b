"""`gitexport show`: one snapshot, one document of it, or what it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import click

from gitexport.cli import completing
from gitexport.cli.durations import spent
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.cli.plain import one_line
from gitexport.cli.render.snapshots import details_members, note_lines
from gitexport.model.address import Address, parse_address
from gitexport.model.counted import counted

if TYPE_CHECKING:
    from gitexport.api.history import HistoryReader
    from gitexport.history.details import SnapshotDetails
    from gitexport.history.show import ShownDocument


class ShowArguments(NamedTuple):
    """What the command line says."""

    rev: str
    address: str | None
    has_patch: bool


@click.command(
    "show",
    cls=Command,
    short_help="Show one snapshot, or one document of it.",
    help="""Show what a snapshot changed and holds, or one of its documents.

With ENTITY:KEY, the document's very bytes go to standard output; with a JSON Pointer
behind it, the value of one field. With ENTITY, or a key with *, the documents that this
snapshot changed are listed. -p shows the changed fields instead, also of one document.

REV is a tag such as 20250622-072114 or the beginning of one, latest, latest~N, a full commit
id, a time such as 2025-06-22T07:21Z (the last snapshot at or before it) or a date (the last
one of that day, in UTC). Needs no database.""",
    examples=[
        ("the last snapshot", "gitexport show latest"),
        ("a user as it was on a day", "gitexport show 2025-06-22 users:42"),
        ("one field of it", "gitexport show latest 'users:42#/address/city'"),
        ("what the last snapshot changed in users", "gitexport show -p latest users"),
    ],
    exit_codes=[7],
)
@click.argument("rev", metavar="REV", shell_complete=completing.revs)
@click.argument(
    "address", metavar="[ENTITY[:KEY]]", required=False, shell_complete=completing.entities
)
@click.option("-p", "--patch", "has_patch", is_flag=True, help="Show the fields that changed.")
@pass_invocation
def command(invocation: Invocation, rev: str, address: str | None, *, has_patch: bool) -> int:
    """Runs the command."""
    return run(ShowArguments(rev, address, has_patch), invocation)


def run(arguments: ShowArguments, invocation: Invocation) -> int:
    """Prints the snapshot, the document or the changes."""
    from gitexport.api.history import HistoryReader

    address = None if arguments.address is None else parse_address(arguments.address)
    reader = HistoryReader.open(invocation.settings())
    if address is None:
        _show_snapshot(reader, arguments, invocation)
    elif address.key is None or arguments.has_patch:
        _show_changes(reader, arguments, address, invocation)
    else:
        _print_document(reader.shown(arguments.rev, address), arguments.rev, invocation)
    return 0


def _show_snapshot(reader: HistoryReader, arguments: ShowArguments, invocation: Invocation) -> None:
    details = reader.snapshot(arguments.rev)
    if invocation.options.is_json:
        invocation.print_json("show", _snapshot_members(details))
        return
    _print_snapshot(details, invocation)
    if arguments.has_patch:
        for name in details.summary.counts:
            _print_changes(reader, arguments, Address(name), invocation)


def _print_document(shown: ShownDocument, rev: str, invocation: Invocation) -> None:
    if not invocation.options.is_json:
        invocation.output.bytes(shown.content)
        return
    from gitexport.canonical.value import loads

    members = {
        "rev": rev,
        "entity": shown.entity,
        "key": shown.key,
        "pointer": shown.pointer,
        "path": shown.path,
        "blob": shown.blob,
        "document": loads(shown.content),
    }
    invocation.print_json("show", members)


def _show_changes(
    reader: HistoryReader, arguments: ShowArguments, address: Address, invocation: Invocation
) -> None:
    if not invocation.options.is_json:
        _print_changes(reader, arguments, address, invocation)
        return
    from gitexport.cli.render.changes import change_members

    changes = reader.changed(arguments.rev, address, with_values=True)
    members = [change_members(change) for change in changes]
    invocation.print_json(
        "show", {"rev": arguments.rev, "address": str(address), "changes": members}
    )


def _print_changes(
    reader: HistoryReader, arguments: ShowArguments, address: Address, invocation: Invocation
) -> None:
    from gitexport.cli.render.changes import change_lines

    is_empty = True
    for change in reader.changed(arguments.rev, address, with_values=arguments.has_patch):
        is_empty = False
        for line, style in change_lines(change):
            invocation.output.line(line, style=style)
    if is_empty:
        invocation.messages.info(f"'{arguments.rev}' changed nothing of '{address}'")


def _print_snapshot(details: SnapshotDetails, invocation: Invocation) -> None:
    output = invocation.output
    for name, value in _facts(details):
        if value:
            output.text(f"{name + ':':<13}{one_line(value)}")
    if details.note is not None:
        output.line("note:")
    for line in note_lines(details.note, "    "):
        output.line(line, style="italic")
    output.line()
    rows = []
    for name, entity in (details.entities or {}).items():
        counts = details.summary.counts.get(name)
        changed = (
            [f"{n:,}" for n in (counts.added, counts.modified, counts.deleted)] if counts else []
        )
        rows.append([name, *(changed or ["0"] * 3), f"{entity.count:,}", f"{entity.size_bytes:,}"])
    headers = ["entity", "added", "modified", "deleted", "documents", "bytes"]
    output.table(headers, rows, numeric=set(headers[1:]))


def _facts(details: SnapshotDetails) -> list[tuple[str, str | None]]:
    summary = details.summary
    holds = "what its manifest.json does not say"
    if details.entities is not None:
        holds = f"{counted(details.documents or 0, 'document')}, {details.size_bytes:,} bytes"
    return [
        ("snapshot", summary.snapshot or "none (a commit by a person)"),
        ("exported at", f"{summary.exported_at:%Y-%m-%dT%H:%M:%SZ}"),
        ("made by", summary.kind if summary.mode is None else f"{summary.kind} ({summary.mode})"),
        ("author", summary.author),
        ("took", None if details.duration_ms is None else spent(details.duration_ms)),
        ("database", summary.database),
        ("version", summary.version),
        ("commit", summary.commit),
        ("parents", ", ".join(summary.parents) or "none"),
        ("changed", str(summary.total)),
        ("holds", holds),
        ("quarantined", ", ".join(f"{n} {c}" for n, c in summary.quarantined.items())),
        ("overridden", ", ".join(summary.overrides)),
    ]


def _snapshot_members(details: SnapshotDetails) -> dict[str, object]:
    members = details_members(details)
    changed = cast("dict[str, dict[str, int]]", members["entities"])
    none = {"added": 0, "modified": 0, "deleted": 0}
    if details.entities is not None:
        members["entities"] = {
            name: {
                **changed.get(name, none),
                "documents": entity.count,
                "bytes": entity.size_bytes,
                "directory": entity.directory,
                "shard": entity.shard,
            }
            for name, entity in details.entities.items()
        }
    return members
