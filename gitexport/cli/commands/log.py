"""`gitexport log`: snapshots with their counts, and the life of one document."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.options import span_options
from gitexport.cli.parser import Command
from gitexport.model.address import Address, parse_address

if TYPE_CHECKING:
    from gitexport.api.history import LoggedSnapshot
    from gitexport.cli.render.output import Output
    from gitexport.history.log import DocumentEvent

_INDENT = "    "


class LogArguments(NamedTuple):
    """What the command line says; a limit of 0 means all."""

    address: str | None
    has_patch: bool
    limit: int
    skip: int
    since: str | None
    until: str | None
    author: str | None


@click.command(
    "log",
    cls=Command,
    short_help="List snapshots with their counts, or the life of one document.",
    help="""List snapshots, newest first: tag, mode, documents added (+), modified (~) and
deleted (-), a bar with one sign for each digit of their number, the bytes of all documents,
how long the run took, version, commit, and the counts of each entity; below it the note, if
there is one. How long a run took is known where it ran, not in other clones.

With ENTITY, those that changed documents of it; with a glob for a key, as in users:4*, those
that changed one that it matches. With ENTITY:KEY, the snapshots that changed this one
document, also before it was deleted or moved; with a JSON Pointer behind it, those that
changed this field. Key parts are joined with commas; a backslash stands before a , # * or \
that belongs to a key.

A period is given by times (2025-06-22T07:21Z), dates (whole days, in UTC) or snapshots, and
holds both of its ends. On a terminal the log is shown by the pager that GIT_PAGER or PAGER
names, or less. Needs no database.""",
    examples=[
        ("the last ten snapshots", "gitexport log -n 10"),
        ("what happened to one user, field by field", "gitexport log -p users:42"),
        ("when one field changed", "gitexport log -p 'users:42#/address/city'"),
        ("which snapshots of June changed users", "gitexport log --since 2025-06-01 users"),
        ("every snapshot as JSON", "gitexport log -o json"),
    ],
    exit_codes=[7],
)
@click.argument(
    "address", metavar="[ENTITY[:KEY]]", required=False, shell_complete=completing.entities
)
@click.option("-p", "--patch", "has_patch", is_flag=True, help="Show the fields that changed.")
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Show at most N snapshots; 0 means all.",
)
@click.option(
    "--skip",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Leave out the N newest of those that would be shown.",
)
@span_options("None before", "None after")
@click.option("--author", metavar="TEXT", help="Only where the author's name or address has it.")
@pass_invocation
def command(invocation: Invocation, /, **given: object) -> int:
    """Runs the command."""
    return run(LogArguments(**given), invocation)  # type: ignore[arg-type]


def run(arguments: LogArguments, invocation: Invocation) -> int:
    """Prints snapshots while they are found; as JSON, when all are."""
    from gitexport.api.history import HistoryReader, LogRequest

    address = None if arguments.address is None else parse_address(arguments.address)
    request = LogRequest(arguments.since, arguments.until, arguments.author, arguments.skip)
    reader = HistoryReader.open(invocation.settings())
    limit = arguments.limit or None
    if address is not None and address.key is not None:
        events = islice(reader.document(address, request), limit)
        _log_document(events, address, arguments, invocation)
    else:
        snapshots = islice(reader.snapshots(request, address), limit)
        _log_snapshots(snapshots, address, arguments, invocation)
    return 0


def _log_snapshots(
    logged: Iterator[LoggedSnapshot],
    address: Address | None,
    arguments: LogArguments,
    invocation: Invocation,
) -> None:
    if invocation.options.is_json:
        members = (_snapshot_members(entry, has_patch=arguments.has_patch) for entry in logged)
        asked = {"address": address and str(address), "entity": address and address.entity}
        invocation.output.json_list("gitexport.log/v1", asked, "snapshots", members)
        return
    first = next(logged, None)
    if first is None:
        invocation.messages.info(_nothing(address, arguments))
        return
    with invocation.paged() as output:
        for entry in chain([first], logged):
            _print_snapshot(entry, output, has_patch=arguments.has_patch)


def _print_snapshot(entry: LoggedSnapshot, output: Output, *, has_patch: bool) -> None:
    from gitexport.cli.render.changes import SHOWN_DOCUMENTS, change_lines
    from gitexport.cli.render.snapshots import note_lines, snapshot_line

    output.styled(snapshot_line(entry.details))
    for line in note_lines(entry.details.note, _INDENT):
        output.line(line, style="italic")
    if not has_patch:
        return
    for change in islice(entry.changes, SHOWN_DOCUMENTS):
        for line, style in change_lines(change, "  "):
            output.line(line, style=style)
    if next(entry.changes, None) is not None:
        name = entry.details.summary.snapshot
        output.line(f"  … more: gitexport show {name} ENTITY", style="dim")


def _nothing(address: Address | None, arguments: LogArguments) -> str:
    if arguments.since or arguments.until or arguments.author or arguments.skip:
        return "no snapshot is meant by these options"
    return f"no snapshot changed '{address}'" if address else "there is no snapshot yet"


def _log_document(
    events: Iterator[DocumentEvent],
    address: Address,
    arguments: LogArguments,
    invocation: Invocation,
) -> None:
    from gitexport.cli.render.changes import field_line
    from gitexport.cli.render.snapshots import place_line

    if invocation.options.is_json:
        asked = {"address": str(address)}
        members = map(_event_members, events)
        invocation.output.json_list("gitexport.log/v1", asked, "snapshots", members)
        return
    first = next(events, None)
    if first is None:
        invocation.messages.info(_nothing(address, arguments))
        return
    with invocation.paged() as output:
        for event in chain([first], events):
            kind = event.change.kind
            output.text(f"{kind.mark} {kind.value:<9}  {place_line(event.snapshot)}")
            for field in event.change.fields if arguments.has_patch else ():
                text, style = field_line(field, _INDENT)
                output.line(text, style=style)


def _snapshot_members(entry: LoggedSnapshot, *, has_patch: bool) -> dict[str, object]:
    from gitexport.cli.render.changes import SHOWN_DOCUMENTS, change_members
    from gitexport.cli.render.snapshots import details_members

    members = details_members(entry.details)
    if has_patch:
        changes = [change_members(change) for change in islice(entry.changes, SHOWN_DOCUMENTS)]
        members["changes"] = changes
        members["has_more_changes"] = next(entry.changes, None) is not None
    return members


def _event_members(event: DocumentEvent) -> dict[str, object]:
    from gitexport.cli.render.changes import change_members, field_members
    from gitexport.cli.render.snapshots import short_members

    change = change_members(event.change) | {"fields": field_members(event.change.fields)}
    return short_members(event.snapshot) | {"change": change}
