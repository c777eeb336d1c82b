"""The plan and the report of rows that were brought back, as text, SQL and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitexport.cli.exit_codes import first_of
from gitexport.cli.invocation import Invocation
from gitexport.cli.render.export import left_edits_error, tell_quarantined
from gitexport.cli.render.restored import (
    conflict_error,
    conflict_members,
    origin_members,
    print_conflicts,
    tell_origin,
)

if TYPE_CHECKING:
    from gitexport.model.writing import CascadeReach, PeoplesCode
    from gitexport.restore.rows import RowsPlan, RowsReport

_QUARANTINED = 3
_CONFLICT = 9
_SHOWN = 10


def print_plan(plan: RowsPlan, invocation: Invocation) -> None:
    """Prints what would happen to rows, and what people have to know before."""
    output = invocation.output
    if plan.entities:
        numeric = ("insert", "update", "delete")
        rows = [
            [name, f"{counts.inserted:,}", f"{counts.updated:,}", f"{counts.deleted:,}"]
            for name, counts in plan.entities.items()
        ]
        output.table(["rows of", *numeric], rows, numeric=numeric)
    for name, unsaved in plan.unsaved.items():
        output.line(f"exported first, as no snapshot holds it: {name} {unsaved}")
    for sentence in _sentences(plan):
        output.line(sentence)


def print_rows_report(
    report: RowsReport, invocation: Invocation, command: str, hint: str = ""
) -> int:
    """Prints what was done to rows, and gives the exit code."""
    if report.before is None:
        # Nobody was asked, so nobody was told yet.
        tell_origin(report.plan.origin, invocation)
    for exported in report.exports[-1:]:
        tell_quarantined(exported, invocation)
    for warning in _warnings(report):
        invocation.messages.warn(warning)
    if invocation.options.is_json:
        invocation.print_json(command, members(report))
    elif invocation.options.output == "sql":
        # What the statements do not say is no data, but has to be known before they run.
        for sentence in _sentences(report.plan):
            invocation.messages.info(sentence)
        for statement in report.plan.statements:
            invocation.output.text(statement)
    else:
        _print(report, invocation)
    if report.kept_edits:
        invocation.messages.error(left_edits_error(report.kept_edits))
    conflicts = report.plan.conflicts
    if conflicts:
        invocation.messages.error(conflict_error(conflicts, hint))
        return _CONFLICT
    return _finish(report, invocation)


def _finish(report: RowsReport, invocation: Invocation) -> int:
    """Tells what the exports left undone, and gives the exit code."""
    # What kept rows of the first export from being marked, the last one met again.
    for refused in report.exports[-1:]:
        for refusal in refused.not_acknowledged.values():
            invocation.messages.error(refusal)
    if report.not_shown is not None:
        invocation.messages.error(report.not_shown)
    exports = (found.exit_code for found in report.exports)
    return first_of(*exports, _QUARANTINED if report.plan.quarantined else 0)


def members(report: RowsReport) -> dict[str, object]:
    """Gives the members of the JSON object."""
    plan, after = report.plan, report.after
    return {
        "snapshot": None if after is None else after.snapshot,
        "commit": None if after is None else after.commit,
        "dry_run": report.is_dry_run,
        **origin_members(plan.origin),
        "snapshot_before": None if report.before is None else report.before.snapshot,
        "rows": {
            name: {
                "inserted": counts.inserted,
                "updated": counts.updated,
                "deleted": counts.deleted,
            }
            for name, counts in plan.entities.items()
        },
        "unsaved": plan.unsaved,
        "lost_columns": plan.lost_columns,
        "cascades": [_cascade(part) for part in plan.reach],
        "quarantined": report.quarantined,
        "code": [_code(part) for part in plan.code],
        "left_alone": plan.notes,
        "conflicts": conflict_members(plan.conflicts),
        "kept_edits": report.kept_edits,
        "not_shown": None if report.not_shown is None else report.not_shown.message,
        "warnings": _warnings(report),
    }


def _cascade(part: CascadeReach) -> dict[str, object]:
    return {
        "relation": str(part.relation),
        "constraint": part.name,
        "event": part.event,
        "action": part.action,
        "rows": part.rows,
    }


def _code(part: PeoplesCode) -> dict[str, object]:
    return {
        "relation": str(part.relation),
        "kind": part.kind,
        "name": part.name,
        "silenced": part.is_silenced,
    }


def _sentences(plan: RowsPlan) -> list[str]:
    lines = [
        f"lost with deleted rows of {name}, default in inserted ones: {', '.join(columns)}"
        for name, columns in plan.lost_columns.items()
    ]
    lines += [
        f"on {part.event} {part.action}: {part.rows:,} in {part.relation} ({part.name})"
        for part in plan.reach
    ]
    lines += [f"quarantined, not overwritten: {name}" for name in plan.quarantined[:_SHOWN]]
    if len(plan.quarantined) > _SHOWN:
        lines.append(f"quarantined, not overwritten: {len(plan.quarantined) - _SHOWN:,} more")
    for part in plan.code:
        does = "is silent" if part.is_silenced else "fires"
        lines.append(f"{part.kind} '{part.name}' on {part.relation} {does}")
    return [*lines, *plan.notes]


def _print(report: RowsReport, invocation: Invocation) -> None:
    output, plan = invocation.output, report.plan
    print_conflicts(plan.conflicts, invocation)
    if plan.conflicts:
        return
    if report.is_dry_run:
        print_plan(plan, invocation)
    elif plan.is_empty:
        for sentence in _sentences(plan):
            output.line(sentence)
    if plan.is_empty:
        rows = "all other rows" if plan.quarantined else "the rows"
        output.line(f"nothing to do: {rows} are like that already")
    if report.is_dry_run:
        output.line("dry run: nothing was changed")
    elif not plan.is_empty:
        output.line(_totals(plan))
    for what, made in (("before", report.before), ("now", report.after)):
        if made is not None and made.snapshot is not None:
            output.line(f"{what}: snapshot {made.snapshot}, commit {(made.commit or '')[:10]}")


def _totals(plan: RowsPlan) -> str:
    counts = plan.entities.values()
    done = ", ".join(
        f"{sum(getattr(found, what) for found in counts):,} {what}"
        for what in ("inserted", "updated", "deleted")
    )
    return f"rows: {done}"


def _warnings(report: RowsReport) -> list[str]:
    exported = (warning for part in report.exports for warning in part.warnings)
    warnings = [*report.warnings, *exported]
    return list(dict.fromkeys(warnings))
