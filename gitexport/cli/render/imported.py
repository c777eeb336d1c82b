"""The plan and the report of an import as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitexport.canonical.value import dumps_line
from gitexport.cli.invocation import Invocation
from gitexport.errors import ConflictError
from gitexport.model.absent import ABSENT
from gitexport.model.address import format_address
from gitexport.model.counted import counted

if TYPE_CHECKING:
    from gitexport.transfer.import_report import ImportedEntity, ImportReport, MergeConflict

_COUNTS = ("inserted", "updated", "deleted", "unchanged", "skipped")
_SHOWN = 10
_LONG = 60


def print_import(report: ImportReport, invocation: Invocation) -> int:
    """Prints what an import did or would do, and gives the exit code."""
    if invocation.options.is_json:
        invocation.print_json("import", _members(report))
    else:
        print_plan(report, invocation)
        _print_keys(report, invocation)
        invocation.output.line(_headline(report))
    if not report.conflicts:
        return 0
    error = _conflict(report)
    invocation.messages.error(error)
    return error.exit_code


def print_plan(report: ImportReport, invocation: Invocation) -> None:
    """Prints what happens to the rows of each entity, phase by phase, and what is left out."""
    output, messages = invocation.output, invocation.messages
    output.line(f"{_source(report)} into database '{report.target}'")
    for step in report.created:
        messages.detail(step.statement)
    rows = [
        [
            str(entity.phase),
            entity.name,
            entity.mode,
            *(f"{getattr(entity.counts, count):,}" for count in _COUNTS),
        ]
        for entity in report.entities
    ]
    output.table(["phase", "entity", "mode", *_COUNTS], rows, numeric={"phase", *_COUNTS})
    for line in _remarks(report):
        output.line(f"  {line}")
    for note in report.notes:
        messages.warn(note)
    for conflict in report.conflicts[:_SHOWN]:
        for line in _conflict_lines(conflict):
            output.line(line)


def _remarks(report: ImportReport) -> list[str]:
    remarks = []
    if report.created:
        make = counted(len(report.created), "statement makes", "statements make")
        remarks.append(f"{make} what the database lacks")
    remarks += [f"they call {call}" for call in report.calls]
    if report.is_own:
        remarks.append("the snapshot was made from this database: rows are recognised by keys")
    for entity in report.entities:
        remarks += _remarks_on(entity)
    for found in report.references:
        way = f"{found.relation} to {found.target} ({found.constraint})"
        remarks.append(f"{way}: {found.treatment}, as {found.reason}")
    for code in report.peoples_code:
        verb = "rests" if code.is_silenced else "fires"
        remarks.append(f"{code.kind} '{code.name}' on {code.relation} {verb}")
    return remarks


def _remarks_on(entity: ImportedEntity) -> list[str]:
    remarks = []
    if entity.assigned:
        remarks.append(
            f"{entity.name}: rows are recognised by {', '.join(entity.match)};"
            f" new ones get {', '.join(entity.assigned)} from the database"
        )
    for reason, count in entity.reasons.items():
        if count:
            remarks.append(f"{entity.name}: {count:,} skipped: {reason.value}")
    return remarks


def _print_keys(report: ImportReport, invocation: Invocation) -> None:
    # Keys that stay what they are would hide the others.
    changed = [key for key in report.keys if key.is_new or key.source != key.target]
    if changed:
        rows = [
            [
                format_address(key.entity, key.source),
                format_address(key.entity, key.target),
                "new" if key.is_new else "",
            ]
            for key in changed
        ]
        invocation.output.table(["document", "row", ""], rows)


def _headline(report: ImportReport) -> str:
    rows = counted(report.changes, "row")
    if report.conflicts:
        count = sum(len(conflict.fields) for conflict in report.conflicts)
        return f"{counted(count, 'field')} changed on both sides; nothing was changed"
    if report.is_dry_run:
        return f"dry run: {rows} would change; nothing was changed"
    if not (report.changes or report.created):
        return "nothing to do: the database is like the snapshot already"
    return f"{rows} changed"


def _conflict(report: ImportReport) -> ConflictError:
    first = report.conflicts[0]
    count = len(report.conflicts)
    documents = "a document" if count == 1 else counted(count, "document")
    message = f"{documents} changed on both sides since {report.base}; nothing was done"
    address = format_address(first.entity, first.key)
    hint = f"make both sides alike, or leave it out with --exclude '{address}'"
    return ConflictError(message, where=address, hint=hint)


def _conflict_lines(conflict: MergeConflict) -> list[str]:
    address = format_address(conflict.entity, conflict.key)
    return [
        f"conflict {address}{'#' + field.pointer if field.pointer else ''}:"
        f" was {_value(field.base)}, target {_value(field.ours)}, source {_value(field.theirs)}"
        for field in conflict.fields
    ]


def _value(value: object) -> str:
    if value is ABSENT:
        return "(none)"
    text = dumps_line(value).decode().rstrip("\n")  # type: ignore[arg-type]
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _source(report: ImportReport) -> str:
    name = report.snapshot or report.commit[:10]
    since = f" since {report.base}" if report.base else ""
    return f"snapshot {name}{since} of {report.source}"


def _members(report: ImportReport) -> dict[str, object]:
    return {
        "source": report.source,
        "snapshot": report.snapshot,
        "commit": report.commit,
        "base": report.base,
        "target": report.target,
        "own": report.is_own,
        "dry_run": report.is_dry_run,
        "done": report.is_done,
        "entities": {
            entity.name: {
                "relation": entity.relation,
                "mode": entity.mode,
                "phase": entity.phase,
                "match": entity.match,
                "assigned": entity.assigned,
                **{count: getattr(entity.counts, count) for count in _COUNTS},
                "reason": _reason(entity),
            }
            for entity in report.entities
        },
        "created": [{"what": step.what, "statement": step.statement} for step in report.created],
        "calls": report.calls,
        "references": report.references,
        "code": [
            {
                "relation": str(code.relation),
                "kind": code.kind,
                "name": code.name,
                "silenced": code.is_silenced,
            }
            for code in report.peoples_code
        ],
        "notes": report.notes,
        "id_map": report.keys,
        "conflicts": [
            members for conflict in report.conflicts for members in _conflict_members(conflict)
        ],
    }


def _reason(entity: ImportedEntity) -> str | None:
    return "; ".join(reason.value for reason, count in entity.reasons.items() if count) or None


def _conflict_members(conflict: MergeConflict) -> list[dict[str, object]]:
    sides = ("base", "ours", "theirs")
    return [
        {
            "document": format_address(conflict.entity, conflict.key),
            "row": format_address(conflict.entity, conflict.row),
            "pointer": field.pointer,
            **{side: getattr(field, side) for side in sides if getattr(field, side) is not ABSENT},
        }
        for field in conflict.fields
    ]
