"""`gitexport status`: what is pending, the last snapshot and its age, the remote, repairs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli.durations import in_words, parse_duration
from gitexport.cli.exit_codes import first_of
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.cli.plain import one_line
from gitexport.errors import ConfigError, GitExportError
from gitexport.model.counted import counted

if TYPE_CHECKING:
    from gitexport.inspect.status import StatusReport
    from gitexport.store.upstream import Upstream

_STALE = 1


class StatusArguments(NamedTuple):
    """What the command line says."""

    max_age: timedelta | None
    asks_remote: bool


@click.command(
    "status",
    cls=Command,
    short_help="Tell what is pending, and how old the last snapshot is.",
    help="""Tell what is pending, how old the last snapshot is, how far the remote is, and
whether something has to be repaired. Writes nothing and takes no lock.

With --max-age the command is a check for monitoring: it exits 1 when there is no snapshot,
or when something is pending and neither a snapshot nor an export that brought everything
into the repository is younger than that. Quiet days are no alarm: where nothing is pending,
no age is too old. Rows that stay refused are pending, and are an alarm, and so are documents
whose query fails; so is every age where only reading all rows tells what is pending
(tracking = "compare").

How far the remote is comes from what was last seen of it; --remote asks it, for half a minute
at most. An unreachable database is told, with all that can be said without it. Without
--max-age the exit code is 0 however things stand.""",
    examples=[
        ("how things stand", "gitexport status"),
        ("a check for monitoring", "gitexport status --max-age 10m"),
        ("with a look at the remote", "gitexport status --remote"),
    ],
    exit_codes=[1, 6, 7, 8],
)
@click.option("--max-age", metavar="AGE", type=parse_duration, help="Exit 1 when older, as in 10m.")
@click.option("--remote", "asks_remote", is_flag=True, help="Ask the remote for its branch.")
@pass_invocation
def command(invocation: Invocation, max_age: timedelta | None, *, asks_remote: bool) -> int:
    """Runs the command."""
    return run(StatusArguments(max_age, asks_remote), invocation)


def run(arguments: StatusArguments, invocation: Invocation) -> int:
    """Prints how things stand."""
    from gitexport.api.status import status
    from gitexport.inspect.status import StatusOptions

    options = StatusOptions(arguments.max_age, arguments.asks_remote)
    report = status(invocation.settings(), options)
    for warning in report.warnings:
        invocation.messages.warn(warning)
    if invocation.options.is_json:
        invocation.print_json("status", _members(report, arguments))
    else:
        _print(report, invocation)
    if arguments.max_age is None:
        # To tell how things stand has worked, however they stand.
        for failure in report.failures[:1]:
            invocation.messages.warn(_failure_text(failure))
        return 0
    for failure in report.failures[:1]:
        invocation.messages.error(failure)
    code = first_of(*(failure.exit_code for failure in report.failures))
    return code or (_STALE if report.is_stale else 0)


def _failure_text(failure: GitExportError) -> str:
    """Says on one line what failed, in which line of which file, and how to mend it."""
    text = failure.message
    if isinstance(failure, ConfigError) and failure.where and failure.where not in text:
        text = f"{failure.where}: {text}"
    return f"{text}; {failure.hint}" if failure.hint else text


def _print(report: StatusReport, invocation: Invocation) -> None:
    for name, value in _facts(report):
        invocation.output.text(f"{name + ':':<15}{one_line(value)}")
    rows = [
        [
            entity.name,
            f"{entity.documents:,}",
            "?" if entity.pending is None else f"{entity.pending:,}",
            "?" if entity.deleted is None else f"{entity.deleted:,}",
            entity.note or "",
        ]
        for entity in report.entities
    ]
    headers = ["entity", "documents", "pending", "deleted", "note"]
    if rows:
        invocation.output.line()
        invocation.output.table(headers, rows, numeric=set(headers[1:4]))


def _facts(report: StatusReport) -> list[tuple[str, str]]:
    checked_out = "checked out" if report.is_checked_out else "not checked out"
    facts = [("branch", f"{report.branch} ({checked_out})"), ("last snapshot", _last(report))]
    if report.is_stale is not None:
        facts.append(("verdict", "stale" if report.is_stale else "fresh"))
    facts.append(("database", report.database or "not asked"))
    if report.reads_all:
        facts.append(("next export", f"reads all rows: {report.reads_all}"))
    facts.append(("remote", _remote(report)))
    facts += [("edited", f"a commit on managed paths: {commit}") for commit in report.foreign]
    facts += [("repair", repair) for repair in report.repairs]
    facts += [
        ("quarantined", f"{path} could not be renewed; the next export tries it again")
        for path in report.documents_refused
    ]
    facts += [("edit left", path) for path in report.edits_left]
    if report.locked_by:
        facts.append(("running", report.locked_by))
    return facts


def _last(report: StatusReport) -> str:
    if report.snapshot is None or report.age_seconds is None:
        return "none yet"
    words = f"{report.snapshot}, {in_words(max(report.age_seconds, 0))} ago"
    if report.in_step_at and report.exported_at and report.in_step_at > report.exported_at:
        words += f"; nothing was pending at {report.in_step_at:%Y-%m-%dT%H:%M:%SZ}"
    return words


def _remote(report: StatusReport) -> str:
    remote = report.remote
    if remote is None:
        return "none configured"
    if remote.tip is None:
        return f"{remote.remote}, where the branch was not seen yet"
    if remote.ahead is None or remote.behind is None:
        return f"{remote.remote} has commits that are not here"
    if not remote.ahead and not remote.behind:
        return f"{remote.remote} has every commit"
    return f"{counted(remote.ahead, 'commit')} ahead of {remote.remote}, {remote.behind} behind"


def _members(report: StatusReport, arguments: StatusArguments) -> dict[str, object]:
    age = arguments.max_age
    return {
        "branch": report.branch,
        "checked_out": report.is_checked_out,
        "snapshot": report.snapshot,
        "commit": report.commit,
        "exported_at": report.exported_at,
        "age_seconds": report.age_seconds,
        "in_step_at": report.in_step_at,
        "max_age_seconds": None if age is None else int(age.total_seconds()),
        "stale": report.is_stale,
        "database": report.database,
        "pending": report.pending,
        "deleted": report.deleted,
        "entities": {
            entity.name: {
                "documents": entity.documents,
                "pending": entity.pending,
                "deleted": entity.deleted,
                "note": entity.note,
            }
            for entity in report.entities
        },
        "documents_refused": report.documents_refused,
        "reads_all": report.reads_all,
        "remote": report.remote and _remote_members(report.remote),
        "foreign_commits": report.foreign,
        "repairs": report.repairs,
        "edits_left": report.edits_left,
        "locked_by": report.locked_by,
        "warnings": report.warnings,
        "failures": [
            {"code": failure.exit_code, "error": failure.message} for failure in report.failures
        ],
    }


def _remote_members(remote: Upstream) -> dict[str, object]:
    return {
        "name": remote.remote,
        "commit": remote.tip,
        "ahead": remote.ahead,
        "behind": remote.behind,
    }
