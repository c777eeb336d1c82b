"""Exports pending rows as one snapshot, and pushes it where that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from gitexport.api.session import Session, Settings
from gitexport.config.refs import check_branch
from gitexport.errors import GitExportError, UsageError
from gitexport.export.options import ExportOptions
from gitexport.export.run import export_snapshot
from gitexport.model.report import ExportReport, PushReport
from gitexport.store.in_step import note_in_step
from gitexport.store.remote import remote_url


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export, and what to do besides.

    `accept_config` accepts the SQL of a configuration that came from elsewhere. `push`
    publishes the branch and its new tags afterwards.
    """

    options: ExportOptions = field(default_factory=ExportOptions)
    accept_config: bool = False
    push: bool = False


class ExportOutcome(NamedTuple):
    """What the export did, what the push did, and why the push failed.

    A push that fails takes nothing back: the snapshot is there, and can be pushed again.
    """

    report: ExportReport
    push: PushReport | None = None
    failure: GitExportError | None = None


def export(
    settings: Settings,
    request: ExportRequest,
    on_report: Callable[[ExportReport], None] | None = None,
) -> ExportOutcome:
    """Exports, then pushes where that was asked for; `on_report` is told in between.

    Raises:
        UsageError: The branch's name is none, or a push was asked for, and there is no remote.
        DecisionNeededError: A guard stopped the run, or the SQL was not accepted.
        GitExportError: Anything else that stops a run before its snapshot exists.
    """
    if request.options.branch is not None:
        _check_branch(request.options.branch)
    with Session.open(settings) as session:
        session.entities(request.options.entities)
        is_dry_run = request.options.is_dry_run
        session.accept(accept=request.accept_config, remember=not is_dry_run)
        if request.push:
            # A snapshot that cannot be published is better refused before it is made.
            remote_url(session.repository, session.publication.remote)
        report = export_snapshot(
            session.source,
            session.repository,
            session.publication,
            request.options,
            clock=settings.clock,
            progress=settings.progress,
        )
        if report.exit_code == 0 and not is_dry_run and _is_whole(request.options):
            note_in_step(session.repository, report.started_at)
        if on_report is not None:
            on_report(report)
        if not request.push or is_dry_run:
            return ExportOutcome(report)
        # The database is not needed any more, and a push may take long.
        session.close()
        return _push(session, report, request.options.branch)


def _check_branch(name: str) -> None:
    try:
        check_branch(name)
    except ValueError as error:
        # git itself would take it for something else, and so would people.
        hint = "name it as for 'git branch', without refs/heads/"
        raise UsageError(str(error), where="--branch", hint=hint) from error


def _is_whole(options: ExportOptions) -> bool:
    return not (options.entities or options.limit or options.branch)


def _push(session: Session, report: ExportReport, branch: str | None) -> ExportOutcome:
    from gitexport.api.push import push_session

    try:
        pushed = push_session(session, branch=branch)
    except GitExportError as failure:
        return ExportOutcome(report, failure=failure)
    report.published = pushed.published
    return ExportOutcome(report, pushed)
