"""How a data repository stands."""

from __future__ import annotations

from gitexport.api.session import Session, Settings
from gitexport.errors import GitExportError
from gitexport.inspect.status import StatusOptions, StatusReport, read_status
from gitexport.model.ports import Source


def status(settings: Settings, options: StatusOptions) -> StatusReport:
    """Looks at repository and database; see `gitexport.inspect.status.read_status`.

    A database that cannot be asked, or SQL that nobody accepted here, is part of the report.
    """
    with Session.open(settings) as session:
        source: Source | GitExportError
        try:
            session.accept(remember=False)
            source = session.source
        except GitExportError as error:
            source = error
        return read_status(session.repository, session.publication, source, options, settings.clock)
