"""Carries a plan out in rows, in one transaction of a writer.

Rows are touched only where they differ. A row that is overwritten or deleted has to be what
the tip's document says, so that nothing is lost that no snapshot holds; what was written is
read back before the transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from gitexport.errors import ConflictError, RowRefusedError
from gitexport.model.address import format_address
from gitexport.model.counted import counted
from gitexport.model.entity import Deletes, Entity
from gitexport.model.ports import Key
from gitexport.model.relation import Relation
from gitexport.model.writing import RowAction, RowWriter, StagedRows, WriteCounts
from gitexport.restore.column_types import type_notes
from gitexport.restore.plan import DocumentTarget
from gitexport.restore.tip import Tip, blob_of

_NAMED = 3


class RowMovedError(Exception):
    """A row is not what the tip's document says: it has to be exported first."""


@dataclass(slots=True)
class Staged:
    """What was staged of one entity: targets by key, and which of them have a row now.

    `former_types` are those of columns that have another type now than the documents say.
    """

    entity: Entity
    relation: Relation
    targets: dict[Key, DocumentTarget]
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    notes: list[str] = field(default_factory=list)
    lost_columns: tuple[str, ...] = ()
    former_types: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> WriteCounts:
        """What is done to rows."""
        return WriteCounts(inserted=self.inserted, updated=self.updated, deleted=self.deleted)

    @property
    def is_empty(self) -> bool:
        """Tells whether no row has to change."""
        return not (self.inserted or self.updated or self.deleted)


def stage(  # noqa: PLR0913 - what is staged, and where it comes from
    writer: RowWriter,
    tip: Tip,
    entity: Entity,
    targets: Sequence[DocumentTarget],
    types: Mapping[str, str],
    *,
    check: bool,
) -> Staged:
    """Stages what has to change of one entity.

    Rows that differ from their documents only in columns that one of both lacks are no updates.
    `types` are those of columns where documents come from; `check` locks and compares rows.

    Raises:
        RowMovedError: A row is not what the tip says.
        ConflictError: A column needs a value that the snapshot does not have, or a row would
            stay outside of the entity's `where`.
        GitExportError: What the writer raises.
    """
    staged = Staged(entity, writer.relation(entity), {_key(target): target for target in targets})
    living = _living(writer, staged, is_locked=check)
    if check:
        _refuse_moved(staged, living)
    groups, departures = _grouped(staged, living)
    hidden = writer.left_out(entity, groups[RowAction.INSERT]) if entity.where else []
    # Such a row is there, so it comes back by an update.
    groups[RowAction.UPDATE] += hidden
    if there := set(hidden):
        groups[RowAction.INSERT] = [k for k in groups[RowAction.INSERT] if k not in there]
    _stage_documents(writer, tip, staged, groups)
    if hidden:
        _tell_hidden(writer, staged, hidden)
    staged.deleted = writer.stage_deletions(entity, departures) if departures else 0
    if staged.inserted or staged.updated:
        staged.former_types = _changed_types(staged, types)
        staged.notes += type_notes(entity.name, staged.relation, staged.former_types)
    if staged.deleted or staged.inserted:
        staged.lost_columns = _unpublished(staged)
    return staged


def _stage_documents(
    writer: RowWriter, tip: Tip, staged: Staged, groups: Mapping[RowAction, Sequence[Key]]
) -> None:
    told = StagedRows()
    for action, keys in groups.items():
        if keys:
            told = writer.stage(staged.entity, _documents(tip, staged.targets, keys), action)
            _refuse_required(staged, told.required)
    staged.inserted = len(groups[RowAction.INSERT])
    staged.updated = len(groups[RowAction.UPDATE])
    if told.missing or told.unknown:
        staged.notes += _column_notes(staged.entity.name, told)
        # Documents with other columns differ from every row's, whose values may be the same.
        staged.updated = writer.expected(staged.entity).updated


def with_path(error: RowRefusedError, targets: Iterable[DocumentTarget]) -> RowRefusedError:
    """Adds the path of the document to an error that names its key."""
    for target in targets:
        if target.entity == error.entity and target.key == error.key:
            error.where = f"{error.where or target.name} ({target.path.decode()})"
            break
    return error


def _key(target: DocumentTarget) -> Key:
    assert target.key is not None  # noqa: S101 - those without a key were left out before
    return target.key


def _living(writer: RowWriter, staged: Staged, *, is_locked: bool) -> dict[Key, bytes]:
    """Gives blob ids of the rows that are there; an empty one for a row without a document."""
    rows = writer.current(staged.entity, list(staged.targets), is_locked=is_locked)
    return {row.key: b"" if row.document is None else blob_of(row.document) for row in rows}


def _refuse_moved(staged: Staged, living: Mapping[Key, bytes]) -> None:
    for key, target in staged.targets.items():
        found = living.get(key)
        is_kept = found is None and staged.entity.deletes is Deletes.KEEP
        if found != target.current and not is_kept:
            raise RowMovedError(target.name)


def _grouped(
    staged: Staged, living: Mapping[Key, bytes]
) -> tuple[dict[RowAction, list[Key]], list[Key]]:
    """Gives the keys of documents by what they do to rows, and those of rows that go."""
    groups: dict[RowAction, list[Key]] = {RowAction.INSERT: [], RowAction.UPDATE: []}
    departures: list[Key] = []
    for key, target in staged.targets.items():
        found = living.get(key)
        if target.wanted == found:
            continue
        if target.wanted is None:
            departures.append(key)
        else:
            groups[RowAction.INSERT if found is None else RowAction.UPDATE].append(key)
    return groups, departures


def _tell_hidden(writer: RowWriter, staged: Staged, hidden: Sequence[Key]) -> None:
    """Tells of rows that 'where' leaves out today, and refuses those that would stay so."""
    name = staged.entity.name
    staying = [format_address(name, key) for key in writer.left_out(staged.entity)]
    if staying:
        more = f" and {len(staying) - _NAMED} more" if len(staying) > _NAMED else ""
        message = f"the 'where' of '{name}' leaves rows out, also once they are as they were"
        hint = (
            "a column that the documents do not hold decides it: change it in these rows,"
            " publish it, or leave them out with --only"
        )
        raise ConflictError(message, where=", ".join(staying[:_NAMED]) + more, hint=hint)
    staged.notes.append(
        f"{counted(len(hidden), 'row')} of '{name}' that its 'where' leaves out"
        f" {'is' if len(hidden) == 1 else 'are'} overwritten: no snapshot holds what"
        f" {'it is' if len(hidden) == 1 else 'they are'} now"
    )


def _documents(
    tip: Tip, targets: Mapping[Key, DocumentTarget], keys: Iterable[Key]
) -> Iterator[tuple[Key, bytes]]:
    for key in keys:
        yield key, content_of(tip, targets[key])


def content_of(tip: Tip, target: DocumentTarget) -> bytes:
    """Gives the document that is wanted."""
    if target.content is not None:
        return target.content
    assert target.wanted is not None  # noqa: S101 - asked by its callers
    return tip.read(target.wanted)


def _column_notes(name: str, told: StagedRows) -> list[str]:
    notes = [
        f"'{name}' has the column '{column}', which"
        f" {counted(count, 'document lacks', 'documents lack')}: updated rows keep"
        " its value, inserted ones get its default"
        for column, count in told.missing.items()
    ]
    notes += [
        f"{counted(count, 'document')} of '{name}' {'has' if count == 1 else 'have'} '{column}',"
        " which is no published column today: it is left out"
        for column, count in told.unknown.items()
    ]
    return notes


def _refuse_required(staged: Staged, required: Sequence[str]) -> None:
    if required:
        names = ", ".join(f"'{column}'" for column in required)
        message = f"rows of '{staged.entity.name}' need a value in {names}, which no document has"
        hint = "give the column a default, or leave these rows out with --only"
        raise ConflictError(message, where=str(staged.relation.name), hint=hint)


def _changed_types(staged: Staged, types: Mapping[str, str]) -> dict[str, str]:
    return {
        column.name: types[column.name]
        for column in staged.relation.columns
        if types.get(column.name, column.type_name) != column.type_name
        and _is_published(staged.entity, column.name)
        and column.generated is None
    }


def _unpublished(staged: Staged) -> tuple[str, ...]:
    entity = staged.entity
    return tuple(
        column.name
        for column in staged.relation.columns
        if not _is_published(entity, column.name)
        and column.name != entity.flag
        and column.generated is None
    )


def _is_published(entity: Entity, name: str) -> bool:
    is_named = entity.columns == ("*",) or name in entity.columns
    return is_named and not any(fnmatchcase(name, pattern) for pattern in entity.exclude)
