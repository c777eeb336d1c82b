"""What an export is asked to do."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from gitexport.model.snapshot import Origin


class Override(str, Enum):
    """The guards that a person can overrule by name."""

    DELETES = "deletes"
    SOURCE = "source"
    CLOCK = "clock"
    EDITS = "edits"
    CASCADE = "cascade"


class ExportOptions(NamedTuple):
    """What an export is asked to do.

    `entities` limits the run to some entities, empty means all. `limit` takes the first
    pending rows, 0 takes all. `branch` writes to another branch than the configured one.
    `with_details` reports every document. `workers` is the number of processes for large
    runs, 0 chooses. `origin` says where rows got their content from, for the commit to tell;
    what a person asked for so is no mass deletion. With `rows_win` commits that were not made
    from rows do not stop the run; edits that are not committed stay.
    """

    full: bool = False
    entities: tuple[str, ...] = ()
    limit: int = 0
    branch: str | None = None
    is_dry_run: bool = False
    message: str | None = None
    allow_empty: bool = False
    overrides: frozenset[Override] = frozenset()
    is_strict: bool = False
    with_details: bool = False
    workers: int = 0
    origin: Origin | None = None
    rows_win: bool = False
