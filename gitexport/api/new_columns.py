"""Looks at the columns of new entities: which look private, and which do not restore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gitexport.config.lines import KeyPath, key_lines
from gitexport.config.write import column_line
from gitexport.errors import ConnectionFailedError, SourceError
from gitexport.model.ports import Progress, Source
from gitexport.model.relation import Relation
from gitexport.setup.init import InitReport, PrivateColumn
from gitexport.setup.keys import key_without
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
        findings = find_private_columns(entity.name, relation, entity.columns, rows)
        found.private.extend(_locate(proposed, findings, text, lines))
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


def _locate(
    proposed: ProposedEntity, findings: list[Finding], text: str, lines: dict[KeyPath, int]
) -> Iterator[PrivateColumn]:
    entity, section = proposed.entity, ("entities", proposed.entity.name)
    other_key = key_without(proposed.relation, {finding.column for finding in findings})
    for finding in findings:
        line = column_line(text, lines.get((*section, "columns"), 1), finding.column)
        column = PrivateColumn(finding, line, text.splitlines()[line - 1] if line else "")
        if finding.column in entity.key:
            column = replace(
                column,
                is_in_key=True,
                other_key=other_key,
                key_line=lines.get((*section, "key")),
                section_line=lines.get(section),
            )
        yield column
