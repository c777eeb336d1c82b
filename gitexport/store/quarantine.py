"""Keeps the list of rows and documents that were refused, for people and their tools.

`quarantine.jsonl` has one object a line: a row's `entity`, `key`, `column` and `reason`, or
the `document` that kept its old content and the `reason`. It holds keys, so that it is its
owner's alone, and is never versioned. There is no file while nothing is refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from gitexport.store.durable import write_durably
from gitexport.store.git_errors import machine_error
from gitexport.store.repository import DataRepository

QUARANTINE_FILE = "quarantine.jsonl"

Refused = dict[str, Any]


def write_quarantine(
    repository: DataRepository, refused: Sequence[Refused], *, looked_at: Collection[str] | None
) -> None:
    """Writes what a run refused; lines of entities that it did not look at stay.

    `looked_at` is None where the run looked at everything.

    Raises:
        MachineError: The machine refused; the old list is still there.
    """
    path = repository.state_dir / QUARANTINE_FILE
    try:
        old = path.read_text() if looked_at is not None or not refused else ""
    except FileNotFoundError:
        old = ""
        if not refused:
            return
    except OSError as error:
        raise machine_error(error, path) from error
    kept: list[Refused] = []
    if looked_at is not None:
        lines = [json.loads(line) for line in old.splitlines()]
        new = [_subject(line) for line in refused]
        kept = [
            line
            for line in lines
            if line.get("entity") not in looked_at and _subject(line) not in new
        ]
    if kept or refused:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*kept, *refused])
        write_durably(path, text.encode())
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise machine_error(error, path) from error


def _subject(line: Refused) -> tuple[object, ...]:
    return line.get("entity"), line.get("key"), line.get("document")
