"""`gitexport init`: makes a data repository from the database's catalog."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.model.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitexport.cli.render.messages import Messages
    from gitexport.setup.init import InitReport, PrivateColumn


_SHOWN = 5


class InitArguments(NamedTuple):
    """What the command line says."""

    directory: Path | None
    schemas: tuple[str, ...]
    tables: tuple[str, ...]
    is_bare: bool


@click.command(
    "init",
    cls=Command,
    short_help="Make a data repository from the database's catalog.",
    help="""Make a data repository and write gitexport.toml from the catalog.

Every table with a primary key, or a unique key without nulls, becomes an entity, with its
columns named one by one. The files are one commit without a tag. Run again, it adds what is
new and keeps comments and edits. Columns that look personal or secret are listed: read that
list before you publish anything.""",
    examples=[
        ("every table of the database", "gitexport init data --dsn 'host=db dbname=shop'"),
        ("two schemas", "gitexport init data --schema shop --schema crm"),
        ("one table more", "gitexport init data --table crm.tickets"),
    ],
    exit_codes=[4, 7, 8],
)
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--schema", "schemas", metavar="S", multiple=True, help="Only relations of this schema."
)
@click.option("--table", "tables", metavar="T", multiple=True, help="Only this relation.")
@click.option("--bare", "is_bare", is_flag=True, help="Make a repository without working tree.")
@pass_invocation
def command(
    invocation: Invocation,
    directory: Path | None,
    schemas: tuple[str, ...],
    tables: tuple[str, ...],
    *,
    is_bare: bool,
) -> int:
    """Runs the command."""
    return run(InitArguments(directory, schemas, tables, is_bare), invocation)


def run(arguments: InitArguments, invocation: Invocation) -> int:
    """Makes the repository and tells what it holds."""
    from gitexport.api.init import InitOptions, init

    options = InitOptions(arguments.schemas, arguments.tables, arguments.is_bare)
    with invocation.progress() as progress:
        settings = invocation.settings(progress)
        if arguments.directory is not None:
            settings = replace(settings, directory=_below(settings.directory, arguments.directory))
        report = init(settings, options)
    if invocation.options.is_json:
        invocation.print_json("init", _members(report))
    else:
        _print(report, invocation)
    _warn(report, invocation)
    return report.exit_code


def _below(directory: Path | None, argument: Path) -> Path:
    return argument if directory is None else directory / argument


def _print(report: InitReport, invocation: Invocation) -> None:
    output = invocation.output
    if report.added:
        output.table(
            ["entity", "relation", "key", "columns", "directory", "shard"],
            [
                [
                    proposed.entity.name,
                    str(proposed.entity.relation),
                    ", ".join(proposed.entity.key),
                    str(len(proposed.entity.columns)),
                    proposed.entity.directory,
                    str(proposed.entity.shard),
                ]
                for proposed in report.added
            ],
            numeric={"columns"},
        )
    if report.commit is None:
        output.line(f"nothing is new in {report.path}")
    else:
        output.line(f"committed {report.commit[:10]} to {report.branch} in {report.path}")
    if report.is_new and report.publication.entities:
        command = f"gitexport -C {shlex.quote(str(report.path))}"
        output.line(f"next: {command} track, then {command} export")


def _warn(report: InitReport, invocation: Invocation) -> None:
    messages = invocation.messages
    for proposed in report.added:
        for note in proposed.notes:
            messages.info(f"note: {note}")
    for proposed in report.incomplete:
        messages.warn(
            f"'{proposed.entity.name}' stands in gitexport.toml as a comment: "
            + "; ".join(proposed.notes)
        )
    for reason, names in _by_reason(report).items():
        shown = ", ".join(names[:_SHOWN]) + (f", … ({len(names)})" if len(names) > _SHOWN else "")
        told = reason if len(names) == 1 else re.sub("^it ", "each ", reason)
        messages.warn(f"left out: {shown}: {told}")
    for sentence in report.unrestorable:
        messages.warn(f"cannot be restored to an equal value: {sentence}")
    for warning in report.warnings:
        messages.warn(warning)
    _warn_of_private(report.private, messages)
    if not report.publication.entities:
        messages.warn("no entity is complete yet: edit gitexport.toml, then run init again")


def _warn_of_private(private: Sequence[PrivateColumn], messages: Messages) -> None:
    if not private:
        return
    count = len({(column.finding.entity, column.finding.column) for column in private})
    ways = [
        "delete its line in gitexport.toml" if not all(one.is_in_key for one in private) else "",
        "do what is said of it" if any(one.is_in_key for one in private) else "",
    ]
    messages.warn(
        f"{counted(count, 'column looks', 'columns look')} personal or secret; "
        f"to keep one out of what is published, {' or '.join(filter(None, ways))} before the "
        "first export:"
    )
    for column in private:
        place = f"gitexport.toml:{column.line}: {column.text.strip()}" if column.line else ""
        told = _way_out_of_key(column, place) if column.is_in_key else f": {place}"
        messages.warn(column.finding.sentence + told)


def _way_out_of_key(column: PrivateColumn, place: str) -> str:
    entity = column.finding.entity
    if column.other_key:
        names = ", ".join(f'"{name}"' for name in column.other_key)
        way = (
            f"name another key, as key = [{names}], in gitexport.toml:{column.key_line}, "
            f"then delete {place}"
        )
    else:
        way = (
            f"give {entity} another unique key without nulls and name it in "
            f"gitexport.toml:{column.key_line}, or leave {entity} out by deleting its section, "
            f"which begins in gitexport.toml:{column.section_line}"
        )
    return f" and belongs to the key, so its values are file names, too: {way}"


def _by_reason(report: InitReport) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for refused in report.refusals:
        reasons.setdefault(refused.reason, []).append(str(refused.relation))
    return reasons


def _members(report: InitReport) -> dict[str, object]:
    return {
        "path": report.path,
        "branch": report.branch,
        "commit": report.commit,
        "entities": {
            proposed.entity.name: {
                "relation": str(proposed.entity.relation),
                "key": proposed.entity.key,
                "columns": proposed.entity.columns,
                "directory": proposed.entity.directory,
                "shard": str(proposed.entity.shard),
                "notes": proposed.notes,
            }
            for proposed in report.added
        },
        "incomplete": {
            proposed.entity.name: {
                "relation": str(proposed.entity.relation),
                "notes": proposed.notes,
            }
            for proposed in report.incomplete
        },
        "refused": {str(refused.relation): refused.reason for refused in report.refusals},
        "private": [_private_members(column) for column in report.private],
        "unrestorable": report.unrestorable,
        "warnings": report.warnings,
    }


def _private_members(column: PrivateColumn) -> dict[str, object]:
    return {
        "entity": column.finding.entity,
        "column": column.finding.column,
        "looks_like": column.finding.what,
        "by": column.finding.by,
        "place": column.finding.place or None,
        "line": column.line,
        "text": column.text.strip(),
        "in_key": column.is_in_key,
        "other_key": column.other_key or None,
    }
