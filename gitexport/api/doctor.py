"""Explains what would stop or endanger gitexport here, and repairs what it can."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitexport.api.session import Session, Settings, find_repository
from gitexport.errors import GitExportError
from gitexport.inspect.doctor import Patient, examine
from gitexport.inspect.finding import Finding, failed
from gitexport.inspect.machine import check_machine
from gitexport.inspect.repair import repair
from gitexport.model.ports import Source
from gitexport.model.tracking import TrackingAdmin
from gitexport.store.repository import head_branch


@dataclass(slots=True)
class DoctorReport:
    """What was found, and what was repaired before."""

    findings: list[Finding] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)

    @property
    def codes(self) -> list[int]:
        """The exit codes of all errors."""
        return [finding.code for finding in self.findings if finding.code]


def doctor(settings: Settings, *, repairs: bool = False) -> DoctorReport:
    """Looks at machine, repository, remote and database; with `repairs`, mends first.

    A repository that cannot be opened, or a configuration with a mistake, is a finding.
    """
    report = DoctorReport(list(check_machine()))
    try:
        if repairs:
            _repair(settings, report)
        with Session.open(settings) as session:
            report.findings += examine(_patient(session), settings.clock, settings.progress)
    except GitExportError as failure:
        report.findings.append(failed("repository", failure))
    return report


def _repair(settings: Settings, report: DoctorReport) -> None:
    # Without a readable configuration, HEAD says which branch it is.
    try:
        with Session.open(settings) as session:
            repository, branch = session.repository, session.publication.branch
    except GitExportError:
        repository = find_repository(settings)
        branch = head_branch(repository.pygit()) or "main"
    try:
        report.repairs = repair(repository, branch, settings.progress)
    except GitExportError as failure:
        report.findings.append(failed("repair", failure))


def _patient(session: Session) -> Patient:
    def open_source() -> tuple[Source, TrackingAdmin]:
        return session.source, session.source.tracking

    return Patient(
        session.repository,
        session.publication,
        lambda: session.accept(remember=False),
        open_source,
    )
