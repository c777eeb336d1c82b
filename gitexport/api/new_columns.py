"""Looks at the columns of new entities: which look private, and which do not restore."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitexport.config.lines import key_lines
from gitexport.config.write import column_line
from gitexport.errors import ConnectionFailedError, SourceError
from gitexport.model.ports import Progress, Source
from gitexport.model.relation import Relation
from gitexport.setup.init import InitReport, PrivateColumn
from gitexport.setup.private_data import SAMPLE_ROWS, Finding, find_private_columns
from gitexport.setup.proposal import ProposedEntity


@dataclass(slots=True)
class NewColumns:
    """What the columns of new entities look like."""

    private: list[PrivateColumn] = field(default_factory=list)
    unrestorable: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def tell(self, report: InitReport) -> None:
        """Adds it to a report."""
        report.private += self.private
        report.unrestorable += self.unrestorable
        report.warnings += self.warnings


def look_at_columns(
    entities: tuple[ProposedEntity, ...], text: str, source: Source, progress: Progress
) -> NewColumns:
    """Looks at names and at a few rows; `text` is the configuration that names the columns.

    Rows that cannot be read are a warning.

    Raises:
        ConnectionFailedError: The connection was lost.
    """
    progress.stage("look for private data", len(entities))
    found = NewColumns()
    lines = key_lines(text)
    for proposed in entities:
        entity, relation = proposed.entity, proposed.relation
        rows = _sample(source, relation, found.warnings)
        start = lines.get(("entities", entity.name, "columns"), 1)
        for finding in find_private_columns(entity.name, relation, entity.columns, rows):
            found.private.append(_locate(finding, text, start))
        for column, reason in source.unrestorable(relation).items():
            found.unrestorable.append(f"column '{column}' of '{entity.name}': {reason}")
        progress.advance()
    return found


def _sample(
    source: Source, relation: Relation, warnings: list[str]
) -> list[tuple[str | None, ...]]:
    try:
        return source.sample(relation, SAMPLE_ROWS)
    except ConnectionFailedError:
        raise
    except SourceError as error:
        hint = f" ({error.hint})" if error.hint else ""
        warnings.append(
            f"no row of {relation.name} could be looked at, so only the names of its columns "
            f"tell what is private: {error.message}{hint}"
        )
        return []


def _locate(finding: Finding, text: str, start: int) -> PrivateColumn:
    line = column_line(text, start, finding.column)
    return PrivateColumn(finding, line, text.splitlines()[line - 1] if line else "")
