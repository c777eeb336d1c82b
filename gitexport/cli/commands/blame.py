"""`gitexport blame`: which snapshot set each field of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.model.address import parse_address

if TYPE_CHECKING:
    from gitexport.cli.render.output import Output
    from gitexport.history.blame import BlamedField, BlameReport


class BlameArguments(NamedTuple):
    """What the command line says."""

    address: str
    rev: str


@click.command(
    "blame",
    cls=Command,
    short_help="Tell which snapshot set each field of a document.",
    help="""Tell which snapshot last set each field of a document, and what the field was before.

Fields are the columns; with a JSON Pointer, the members or elements of the value that it
names. Of a document that was deleted, its last version is explained. One that was deleted and
came back was set by the snapshot that brought it back. Versions are read from the newest to
the oldest, until every field is explained. Needs no database.""",
    examples=[
        ("who changed what of a user", "gitexport blame users:42"),
        ("the fields of its address", "gitexport blame 'users:42#/address'"),
        ("as of a day", "gitexport blame users:42 --at 2025-06-22"),
    ],
    exit_codes=[7],
)
@click.argument("address", metavar="ENTITY:KEY", shell_complete=completing.entities)
@click.option(
    "--at",
    "rev",
    metavar="REV",
    shell_complete=completing.revs,
    default="latest",
    help="As this snapshot holds it.",
)
@pass_invocation
def command(invocation: Invocation, address: str, rev: str) -> int:
    """Runs the command."""
    return run(BlameArguments(address, rev), invocation)


def run(arguments: BlameArguments, invocation: Invocation) -> int:
    """Prints a line for each field."""
    from gitexport.api.history import HistoryReader

    address = parse_address(arguments.address)
    report = HistoryReader.open(invocation.settings()).blame(address, arguments.rev)
    if invocation.options.is_json:
        invocation.print_json("blame", _members(report, arguments))
        return 0
    with invocation.paged() as output:
        _print(report, output)
    return 0


def _print(report: BlameReport, output: Output) -> None:
    from gitexport.cli.render.differing import short_text
    from gitexport.cli.render.snapshots import place_line
    from gitexport.model.changeset import ABSENT

    if report.deleted_by is not None:
        output.styled([(f"- deleted    {place_line(report.deleted_by)}", "red")])
    width = max(len(field.pointer) for field in report.fields)
    for field in report.fields:
        old = [] if field.old is ABSENT else [(f"  was {short_text(field.old)}", "dim")]
        output.styled(
            [
                (f"{field.snapshot.snapshot or field.snapshot.commit[:15]:<15}", "bold"),
                (f"  {field.pointer or '/':<{width}}  {short_text(field.value)}", ""),
                *old,
            ]
        )


def _members(report: BlameReport, arguments: BlameArguments) -> dict[str, object]:
    from gitexport.cli.render.snapshots import short_members

    deleted = report.deleted_by
    return {
        "address": arguments.address,
        "rev": arguments.rev,
        "entity": report.place.entity,
        "key": report.place.key,
        "path": report.place.path,
        "deleted_by": None if deleted is None else short_members(deleted),
        "fields": [_field_members(field) for field in report.fields],
    }


def _field_members(field: BlamedField) -> dict[str, object]:
    from gitexport.cli.render.snapshots import short_members
    from gitexport.model.changeset import ABSENT

    members = {"pointer": field.pointer, "value": field.value, **short_members(field.snapshot)}
    return members if field.old is ABSENT else {**members, "old": field.old}
