"""Which snapshot set each field of a document, and what the field was before.

Reads the document's versions from the newest to the oldest, and stops as soon as every field
is explained. Fields are the columns, or what stands inside of the value that a pointer names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from gitexport.canonical.value import JsonValue, loads
from gitexport.compare.stored import StoredHistory
from gitexport.errors import UnsupportedValueError, UsageError
from gitexport.history.life import DocumentPlace, LifeStep, life_steps
from gitexport.history.show import part_of
from gitexport.history.summary import SnapshotSummary, summarise
from gitexport.model.address import Address
from gitexport.model.changeset import ABSENT
from gitexport.model.field_merge import same_value
from gitexport.model.pointer import format_pointer, get, parse_pointer
from gitexport.model.snapshot import Commit, ObjectId


@dataclass(frozen=True, slots=True)
class BlamedField:
    """One field: its value, the snapshot that set it, and the value before.

    `old` is `ABSENT` where there was no such field, or no such document, before.
    """

    pointer: str
    value: JsonValue
    snapshot: SnapshotSummary
    old: object


@dataclass(slots=True)
class BlameReport:
    """The fields of a document, in the order in which it holds them.

    `deleted_by` is the snapshot that deleted the document, whose last version this then is.
    """

    place: DocumentPlace
    deleted_by: SnapshotSummary | None = None
    fields: list[BlamedField] = field(default_factory=list)


def blame(history: StoredHistory, tip: ObjectId, address: Address) -> BlameReport:
    """Explains every field of the document as the tip has it, or had it last.

    A document that was deleted and came back was set anew by the snapshot that brought it
    back. A version that is no JSON document has no fields.

    Raises:
        UsageError: The address does not name one document or field, no snapshot ever held
            it, or its newest version is no JSON document.
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    steps = life_steps(history, tip, address)
    # Where nothing was ever found, the first step raises.
    first = next(steps)
    place = first.new or first.old
    assert place is not None  # noqa: S101 - a step has one of the two
    report = BlameReport(place)
    if first.new is None:
        report.deleted_by = summarise(first.snapshot)
        first = next(steps)
    document = _newest(history, place, first.snapshot, address)
    fields = _Fields(document, address)
    _explain(history, fields, first)
    for step in steps:
        if not fields.unexplained:
            break
        _explain(history, fields, step)
    report.fields = [fields.explained[path] for path in fields.paths]
    return report


class _Fields:
    """The fields of a document, explained one by one."""

    def __init__(self, document: JsonValue, address: Address) -> None:
        top = parse_pointer(address.pointer or "")
        value = part_of(document, address)
        self.paths = [(*top, name) for name in _names(value)] or [top]
        self.unexplained = {path: get(document, path) for path in self.paths}
        self.explained: dict[tuple[str, ...], BlamedField] = {}

    def explain(self, snapshot: Commit, before: object) -> None:
        """Takes the fields that were different before a snapshot as set by it."""
        summary = summarise(snapshot)
        for path, value in list(self.unexplained.items()):
            old = get(before, path)
            if not same_value(value, old):
                del self.unexplained[path]
                self.explained[path] = BlamedField(
                    format_pointer(path), cast("JsonValue", value), summary, old
                )


def _explain(history: StoredHistory, fields: _Fields, step: LifeStep) -> None:
    before: object = ABSENT
    if step.old is not None:
        try:
            before = loads(history.repository.read_blob(step.old.blob))
        except UnsupportedValueError:
            # A person's file may hold anything.
            before = ABSENT
    fields.explain(step.snapshot, before)


def _newest(
    history: StoredHistory, place: DocumentPlace, snapshot: Commit, address: Address
) -> JsonValue:
    try:
        return loads(history.repository.read_blob(place.blob))
    except UnsupportedValueError as error:
        message = f"'{address}' in '{snapshot.snapshot}' {error.message}"
        raise UsageError(message, where=place.path, hint=f"see 'git log {place.path}'") from error


def _names(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        return list(value)
    return map(str, range(len(value))) if isinstance(value, list) else ()
