"""What a restore does to rows, as values: the plan that people see, and the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gitexport.errors import GitExportError
from gitexport.model.address import format_address
from gitexport.model.report import ExportReport
from gitexport.model.snapshot import EntityCounts, Origin
from gitexport.model.writing import CascadeReach, PeoplesCode, WriteCounts
from gitexport.restore.plan import DocumentConflict


@dataclass(slots=True)
class RowsPlan:
    """What happens to rows.

    `entities` count rows. `unsaved` counts the documents that an export makes before anything
    else, as the database holds what no snapshot does. `lost_columns` are columns that no
    document holds, by entity, where rows are deleted or inserted. `reach` are rows of others
    that cascades change. `quarantined` are addresses of rows that are never overwritten.
    `code` are people's triggers and rules on what is written. `notes` are sentences.
    `statements` are SQL as text, where that was asked for.
    """

    origin: Origin
    entities: dict[str, WriteCounts] = field(default_factory=dict)
    unsaved: dict[str, EntityCounts] = field(default_factory=dict)
    lost_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reach: tuple[CascadeReach, ...] = ()
    quarantined: list[str] = field(default_factory=list)
    code: tuple[PeoplesCode, ...] = ()
    notes: list[str] = field(default_factory=list)
    conflicts: list[DocumentConflict] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tells whether no row has to change."""
        return not any(
            counts.inserted or counts.updated or counts.deleted for counts in self.entities.values()
        )


@dataclass(slots=True)
class RowsReport:
    """What was done to rows, or would be in a dry run.

    `plan` says what was written, `before` is the export of what was pending, `after` the one
    whose snapshot carries the trailer; None where there was none.
    """

    plan: RowsPlan
    before: ExportReport | None = None
    after: ExportReport | None = None
    is_dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def exports(self) -> list[ExportReport]:
        """The exports before and after, as far as there were any."""
        return [report for report in (self.before, self.after) if report is not None]

    @property
    def quarantined(self) -> list[str]:
        """Addresses of rows that were not overwritten, and of those that an export refused."""
        refused = [
            format_address(name, row.key)
            for report in self.exports
            for name, found in report.entities.items()
            for row in found.quarantined
        ]
        return list(dict.fromkeys([*self.plan.quarantined, *refused]))

    @property
    def kept_edits(self) -> list[str]:
        """Files with a person's edit that the exports left as they are."""
        return list(dict.fromkeys(path for found in self.exports for path in found.kept_edits))

    @property
    def not_shown(self) -> GitExportError | None:
        """What kept the working tree from being brought to the last snapshot."""
        return self.after.not_shown if self.after is not None else None


Confirm = Callable[[RowsPlan], None]
"""Shows a plan to who asked for it; raises DecisionNeededError where it is not agreed to."""
