"""Which documents of a plan are written to rows, and what is left alone.

A row is found by its whole key. Where a document's name holds only a part of that, its content
tells the rest. Rows that the export before refused are never overwritten: no snapshot holds
what they are now.
"""

from __future__ import annotations

from dataclasses import replace

from gitexport.compare.naming import key_of
from gitexport.model.address import format_address
from gitexport.model.report import ExportReport
from gitexport.restore.plan import DocumentTarget, Plan
from gitexport.restore.tip import Tip


def keep_rows(plan: Plan, tip: Tip, report: ExportReport) -> None:
    """Leaves in a plan what can be rows; `report` is of the export before.

    Rows that it refused become `quarantined`, documents without a known key `left_alone`.
    Files made by queries come from their queries.

    Raises:
        CorruptRepositoryError: A document that tells its key is missing or damaged.
    """
    refused = {
        (name, row.key) for name, found in report.entities.items() for row in found.quarantined
    }
    kept: list[DocumentTarget] = []
    for target in plan.targets:
        known = _with_key(tip, target)
        if known is None:
            plan.left_alone.append(
                f"{target.name}: its key is too long for its name and is left alone"
            )
        elif (known.entity, known.key) in refused:
            plan.quarantined.append(known.name)
        else:
            kept.append(known)
    # What such a row was before may be what the plan wants, so that no document changes. Where
    # any row changes, the exports around that refuse all of them, meant or not.
    plan.quarantined += [
        name
        for entity, key in sorted(refused)
        if (kept or plan.means(entity, key))
        and (name := format_address(entity, key)) not in plan.quarantined
    ]
    plan.targets = kept
    plan.files = []


def _with_key(tip: Tip, target: DocumentTarget) -> DocumentTarget | None:
    """Finds the key of a document whose name holds only a part of it."""
    if target.key is not None:
        return target
    stored = tip.tree.entity(target.entity)
    blob = target.current or target.wanted
    if stored is None or blob is None:
        return None
    content = target.content if blob == target.wanted and target.content else tip.read(blob)
    key = key_of(content, stored)
    return None if key is None else replace(target, key=key)
