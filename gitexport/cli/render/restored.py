"""The report of a restore, revert or apply as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from gitexport.cli.invocation import Invocation
from gitexport.errors import ConflictError
from gitexport.model.absent import ABSENT
from gitexport.model.counted import counted

if TYPE_CHECKING:
    from gitexport.canonical.value import JsonValue
    from gitexport.model.field_merge import FieldConflict
    from gitexport.model.snapshot import Origin
    from gitexport.restore.plan import DocumentConflict
    from gitexport.restore.snapshot import SnapshotReport

_CONFLICT = 9
_SHOWN = 20
_WIDTH = 60
_VERBS = {"restore": "restores", "revert": "reverts", "apply": "applies"}
_SIDES = ("base", "ours", "theirs")


def print_snapshot_report(
    report: SnapshotReport, invocation: Invocation, command: str, hint: str = ""
) -> int:
    """Prints what was done in the repository, and gives the exit code.

    `hint` says how conflicts can be decided.
    """
    tell_origin(report.origin, invocation)
    for warning in report.warnings:
        invocation.messages.warn(warning)
    if invocation.options.is_json:
        invocation.print_json(command, members(report))
    else:
        _print(report, invocation)
    if report.conflicts:
        invocation.messages.error(conflict_error(report.conflicts, hint))
        return _CONFLICT
    if report.not_shown is not None:
        invocation.messages.error(report.not_shown)
        return report.not_shown.exit_code
    return 0


def members(report: SnapshotReport) -> dict[str, object]:
    """Gives the members of the JSON object."""
    return {
        "snapshot": report.snapshot,
        "commit": report.commit,
        "dry_run": report.is_dry_run,
        **origin_members(report.origin),
        "entities": report.entities,
        "documents": report.documents,
        "left_alone": report.left_alone,
        "conflicts": conflict_members(report.conflicts),
        "not_shown": None if report.not_shown is None else report.not_shown.message,
        "warnings": report.warnings,
    }


def tell_origin(origin: Origin, invocation: Invocation) -> None:
    """Says what a revert is and what it is not."""
    if origin.kind.value == "revert":
        tag = origin.revision
        invocation.messages.info(f"this undoes {tag}; to go back to it: gitexport restore {tag}")


def origin_members(origin: Origin) -> dict[str, object]:
    """Says what the snapshot restores, reverts or applies."""
    return {_VERBS[origin.kind.value]: origin.revision}


def conflict_members(conflicts: Sequence[DocumentConflict]) -> list[dict[str, object]]:
    """Lists fields with their values; a side without the field leaves its member out."""
    return [
        {"document": conflict.name, "pointer": change.pointer, **_values(change)}
        for conflict in conflicts
        for change in conflict.fields
    ]


def print_counts(report: SnapshotReport, invocation: Invocation) -> None:
    """Prints a table of documents by entity, and what is left alone."""
    output = invocation.output
    if report.entities:
        numeric = ("added", "modified", "deleted")
        rows = [
            [name, *(f"{getattr(counts, column):,}" for column in numeric)]
            for name, counts in report.entities.items()
        ]
        output.table(["entity", *numeric], rows, numeric=numeric)
    for path in report.documents:
        output.line(f"document {path}")
    for sentence in report.left_alone:
        output.line(sentence)


def print_conflicts(conflicts: Sequence[DocumentConflict], invocation: Invocation) -> None:
    """Prints the fields in which changes meet, each with its three values."""
    fields = [(found.name, change) for found in conflicts for change in found.fields]
    rows = [
        [name + (f"#{change.pointer}" if change.pointer else ""), *_texts(change)]
        for name, change in fields[:_SHOWN]
    ]
    if rows:
        invocation.output.table(["conflict", *_SIDES], rows)
    if len(fields) > _SHOWN:
        invocation.output.line(f"{len(fields) - _SHOWN:,} more; -o json lists all")


def conflict_error(conflicts: Sequence[DocumentConflict], hint: str) -> ConflictError:
    """Makes the error that ends a run which met conflicts."""
    count = sum(len(conflict.fields) for conflict in conflicts)
    message = f"{counted(count, 'field was', 'fields were')} changed in two ways; nothing was done"
    return ConflictError(message, where=conflicts[0].name, hint=hint)


def _print(report: SnapshotReport, invocation: Invocation) -> None:
    output = invocation.output
    print_counts(report, invocation)
    print_conflicts(report.conflicts, invocation)
    if report.conflicts:
        return
    if not report.entities and not report.documents:
        output.line("nothing to do: the repository is like that already")
    elif report.is_dry_run:
        output.line("dry run: nothing was changed")
    else:
        output.line(f"snapshot {report.snapshot}, commit {(report.commit or '')[:10]}")
        if not report.is_shown:
            output.line("the branch is not checked out here; the working tree is as it was")
        output.line("no row was changed: before the next export, say who wins, as exit code 6 asks")


def _values(change: FieldConflict) -> dict[str, object]:
    return {side: getattr(change, side) for side in _SIDES if getattr(change, side) is not ABSENT}


def _texts(change: FieldConflict) -> list[str]:
    return [_text(getattr(change, side)) for side in _SIDES]


def _text(value: object) -> str:
    from gitexport.canonical.value import dumps_line

    if value is ABSENT:
        return "absent"
    text = dumps_line(cast("JsonValue", value)).decode().rstrip("\n")
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
