"""The report of an export as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gitexport.cli.exit_codes import first_of
from gitexport.cli.invocation import Invocation
from gitexport.errors import DecisionNeededError, GitExportError
from gitexport.model.report import EntityReport, ExportReport

if TYPE_CHECKING:
    from gitexport.api.export import ExportOutcome

_COUNTS = ("added", "modified", "deleted", "unchanged", "superseded")
_SHOWN = 10


def print_outcome(outcome: ExportOutcome, invocation: Invocation) -> int:
    """Prints what an export and its push did, and gives the exit code."""
    report, messages = outcome.report, invocation.messages
    for line in report.details:
        messages.detail(line)
    for change in report.schema_changes:
        messages.warn(change)
    tell_quarantined(report, invocation)
    for warning in report.warnings:
        messages.warn(warning)
    if report.left_alone:
        messages.info(f"no file was touched: {report.left_alone}")
    messages.log_only(_headline(report))
    published = _published(outcome)
    if published:
        messages.log_only(published)
    if invocation.options.is_json:
        invocation.print_json("export", members(outcome))
    else:
        _print_text(outcome, invocation)
    for error in _errors(outcome):
        messages.error(error)
    if outcome.failure is None:
        return report.exit_code
    return first_of(report.exit_code, outcome.failure.exit_code)


def _errors(outcome: ExportOutcome) -> Iterator[GitExportError]:
    """Yields what an export that made its snapshot has to say of the rest."""
    report = outcome.report
    yield from report.not_acknowledged.values()
    if report.kept_edits:
        yield left_edits_error(report.kept_edits)
    if report.not_shown is not None:
        yield report.not_shown
    if outcome.failure is not None:
        yield outcome.failure


def members(outcome: ExportOutcome) -> dict[str, object]:
    """Gives the members of the JSON object."""
    report = outcome.report
    found: dict[str, object] = {
        "snapshot": report.snapshot,
        "commit": report.commit,
        "mode": report.mode,
        "started_at": report.started_at,
        "finished_at": report.finished_at,
        "duration_ms": _duration_ms(report),
        "entities": report.entities,
        "documents": report.documents,
        "documents_refused": report.documents_refused,
        "published": report.published,
        "dry_run": report.is_dry_run,
        "schema_changes": report.schema_changes,
        "kept_edits": report.kept_edits,
        "not_shown": None if report.not_shown is None else report.not_shown.message,
        "not_acknowledged": {
            name: refusal.message for name, refusal in report.not_acknowledged.items()
        },
        "warnings": report.warnings,
        "stages_ms": report.stages,
    }
    if outcome.push is not None:
        found["push"] = outcome.push
    return found


def tell_quarantined(report: ExportReport, invocation: Invocation) -> None:
    """Warns of the rows that an export refused, each with the reason."""
    for name, found in report.entities.items():
        for row in found.quarantined[:_SHOWN]:
            column = f", column '{row.column}'" if row.column else ""
            key = ",".join(row.key)
            invocation.messages.warn(f"quarantined {name}:{key}{column}: {row.reason}")
        more = len(found.quarantined) - _SHOWN
        if more > 0:
            invocation.messages.warn(f"quarantined {more:,} more of {name}; -o json names all")


def left_edits_error(paths: Sequence[str]) -> DecisionNeededError:
    """Makes the error that ends a run which left people's edits of files as they are."""
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    one = len(paths) == 1
    return DecisionNeededError(
        "an edited file was left as it is, though its row changed"
        if one
        else f"{len(paths)} edited files were left as they are, though their rows changed",
        where=", ".join(paths[:_SHOWN]) + more,
        hint=f"commit {'it' if one else 'them'}, discard {'it' if one else 'them'} with "
        "'git checkout', or run "
        "'gitexport export --override edits'",
    )


def _print_text(outcome: ExportOutcome, invocation: Invocation) -> None:
    report, output = outcome.report, invocation.output
    changed = {name: found for name, found in report.entities.items() if _is_worth_a_line(found)}
    if changed:
        rows = [
            [name, *(f"{getattr(found, count):,}" for count in _COUNTS), f"{_refused(found):,}"]
            for name, found in changed.items()
        ]
        numeric = (*_COUNTS, "quarantined")
        output.table(["entity", *numeric], rows, numeric=numeric)
    for path in report.documents:
        output.line(f"document {path}")
    output.line(_headline(report))
    published = _published(outcome)
    if published:
        output.line(published)


def _published(outcome: ExportOutcome) -> str | None:
    if outcome.push is None or not outcome.report.published:
        return None
    return f"published to {outcome.push.remote}: {outcome.push.branch}"


def _headline(report: ExportReport) -> str:
    duration = _duration_ms(report)
    time = "" if duration is None else f" in {duration / 1000:.2f} s"
    if report.is_dry_run:
        made = "a snapshot" if report.snapshot else "no snapshot"
        return f"dry run: this export would make {made}; nothing was written"
    if report.snapshot is None or report.commit is None:
        rows = sum(map(_refused, report.entities.values()))
        refused = rows + len(report.documents_refused)
        rest = f"apart from {refused:,} quarantined, " if refused else ""
        return f"nothing to commit: {rest}the last snapshot is up to date, checked{time}"
    return f"snapshot {report.snapshot}, commit {report.commit[:10]}{time}"


def _is_worth_a_line(found: EntityReport) -> bool:
    return any(getattr(found, count) for count in _COUNTS) or bool(found.quarantined)


def _refused(found: EntityReport) -> int:
    return len(found.quarantined)


def _duration_ms(report: ExportReport) -> int | None:
    if report.finished_at is None:
        return None
    return round((report.finished_at - report.started_at).total_seconds() * 1000)
