"""`gitexport log`: snapshots with their counts, and the life of one document."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.model.address import Address, parse_address

if TYPE_CHECKING:
    from gitexport.api.history import HistoryReader, LoggedSnapshot
    from gitexport.history.log import DocumentEvent


@dataclass(frozen=True, slots=True)
class LogArguments:
    """What the command line says; a limit of 0 means all."""

    address: str | None
    has_patch: bool
    limit: int


@click.command(
    "log",
    cls=Command,
    short_help="List snapshots with their counts, or the life of one document.",
    help="""List snapshots, newest first: tag, time (UTC), mode, documents added (+),
modified (~) and deleted (-), version, commit, and the counts of each entity.

With ENTITY, those that changed documents of it. With ENTITY:KEY, the snapshots that changed
this one document; with a JSON Pointer behind it, those that changed this field. Key parts
are joined with commas; a backslash stands before a , # * or \\ that belongs to a key.
Needs no database.""",
    examples=[
        ("the last ten snapshots", "gitexport log -n 10"),
        ("what happened to one user, field by field", "gitexport log -p users:42"),
        ("when one field changed", "gitexport log -p 'users:42#/address/city'"),
        ("every snapshot as JSON", "gitexport log -o json"),
    ],
    exit_codes=[7],
)
@click.argument("address", metavar="[ENTITY[:KEY]]", required=False)
@click.option("-p", "--patch", "has_patch", is_flag=True, help="Show the fields that changed.")
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Show at most N snapshots; 0 means all.",
)
@pass_invocation
def command(invocation: Invocation, address: str | None, limit: int, *, has_patch: bool) -> int:
    """Runs the command."""
    return run(LogArguments(address, has_patch, limit), invocation)


def run(arguments: LogArguments, invocation: Invocation) -> int:
    """Prints snapshots while they are found; as JSON, when all are."""
    from gitexport.api.history import HistoryReader

    address = None if arguments.address is None else parse_address(arguments.address)
    reader = HistoryReader.open(invocation.settings())
    if address is not None and address.parts is not None:
        _log_document(reader, address, arguments, invocation)
    else:
        _log_snapshots(reader, address, arguments, invocation)
    return 0


def _log_snapshots(
    reader: HistoryReader, address: Address | None, arguments: LogArguments, invocation: Invocation
) -> None:
    from gitexport.cli.render.changes import SHOWN_DOCUMENTS, change_lines
    from gitexport.cli.render.snapshots import snapshot_line

    found = reader.snapshots(address)
    logged = islice(found, arguments.limit) if arguments.limit else found
    if invocation.options.is_json:
        members = [_snapshot_members(entry, has_patch=arguments.has_patch) for entry in logged]
        invocation.print_json("log", {"entity": address and address.entity, "snapshots": members})
        return
    is_empty = True
    for entry in logged:
        is_empty = False
        invocation.output.text(snapshot_line(entry.summary))
        if not arguments.has_patch:
            continue
        for change in islice(entry.changes, SHOWN_DOCUMENTS):
            for line, style in change_lines(change, "  "):
                invocation.output.line(line, style=style)
        if next(entry.changes, None) is not None:
            name = entry.summary.snapshot
            invocation.output.line(f"  … more: gitexport show {name} ENTITY", style="dim")
    if is_empty:
        what = f"no snapshot changed '{address.entity}'" if address else "there is no snapshot yet"
        invocation.messages.info(what)


def _log_document(
    reader: HistoryReader, address: Address, arguments: LogArguments, invocation: Invocation
) -> None:
    from gitexport.cli.render.changes import field_line
    from gitexport.cli.render.snapshots import place_line

    found = reader.document(address)
    events = islice(found, arguments.limit) if arguments.limit else found
    if invocation.options.is_json:
        members = [_event_members(event) for event in events]
        invocation.print_json("log", {"address": str(address), "snapshots": members})
        return
    for event in events:
        kind = event.change.kind
        invocation.output.text(f"{kind.mark} {kind.value:<9}  {place_line(event.snapshot)}")
        for field in event.change.fields if arguments.has_patch else ():
            text, style = field_line(field, "    ")
            invocation.output.line(text, style=style)


def _snapshot_members(entry: LoggedSnapshot, *, has_patch: bool) -> dict[str, object]:
    from gitexport.cli.render.changes import SHOWN_DOCUMENTS, change_members
    from gitexport.cli.render.snapshots import snapshot_members

    members = snapshot_members(entry.summary)
    if has_patch:
        changes = [change_members(change) for change in islice(entry.changes, SHOWN_DOCUMENTS)]
        members["changes"] = changes
        members["has_more_changes"] = next(entry.changes, None) is not None
    return members


def _event_members(event: DocumentEvent) -> dict[str, object]:
    from gitexport.cli.render.changes import change_members, field_members
    from gitexport.cli.render.snapshots import snapshot_members

    summary = snapshot_members(event.snapshot)
    kept = ("snapshot", "commit", "kind", "exported_at", "version")
    change = change_members(event.change) | {"fields": field_members(event.change.fields)}
    return {name: summary[name] for name in kept} | {"change": change}
