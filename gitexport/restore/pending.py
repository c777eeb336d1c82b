"""What pending rows make of the tip, without a snapshot of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from gitexport.errors import DecisionNeededError
from gitexport.model.entity import Entity
from gitexport.model.writing import RowWriter
from gitexport.restore.tip import Tip, blob_of


@contextmanager
def naming_ways_on() -> Iterator[None]:
    """Says how a restore goes on where the export of pending rows would delete much.

    Raises:
        DecisionNeededError: As it came; the hint is about this command instead of `export`.
    """
    try:
        yield
    except DecisionNeededError as error:
        if "--allow-deletes" in (error.hint or ""):
            error.hint = (
                "the database lacks them, and that is exported before anything goes back;"
                " if it is meant: --override deletes"
            )
        raise


def with_pending(
    tip: Tip,
    writer: RowWriter,
    entities: Iterable[Entity],
    changes: Mapping[bytes, bytes | None],
) -> Tip:
    """Lays over the tip what an export would make of it, as rows are in this transaction."""
    overlay: dict[bytes, bytes | None] = {}
    contents: dict[bytes, bytes] = {}
    for entity in entities:
        stored = tip.tree.entity(entity.name)
        if stored is None:
            continue
        keys = {path: stored.paths.parse(path) for path in changes}
        mine = {path: key for path, key in keys.items() if key is not None}
        overlay.update(dict.fromkeys(mine))
        written = [key for path, key in mine.items() if changes[path] is not None]
        if not written:
            continue
        whole = [key for key in written if isinstance(key, tuple)]
        # Where a name holds only a part of its key, only the rows tell the rest.
        asked = whole if len(whole) == len(written) else None
        for row in writer.current(entity, asked, is_locked=False):
            path = b"/".join(stored.paths.path(row.key))
            if path in mine and row.document is not None:
                overlay[path] = blob_of(row.document)
                contents[blob_of(row.document)] = row.document
    return replace(tip, overlay=overlay, contents=contents)
