"""What stops an import before it changes anything, each in words that name the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from gitexport.errors import (
    ConfigError,
    ConflictError,
    DecisionNeededError,
    RowRefusedError,
    UsageError,
)
from gitexport.export.guards import is_mass_deletion
from gitexport.export.options import Override
from gitexport.model.address import Address, format_address
from gitexport.model.counted import counted
from gitexport.model.ports import Key
from gitexport.model.recognition import Dangling, Misled
from gitexport.model.relation import RelationName
from gitexport.model.writing import CascadeReach, StagedRows
from gitexport.transfer.import_options import ImportMode, ImportOptions
from gitexport.transfer.import_plan import PlannedEntity
from gitexport.transfer.import_report import ImportReport
from gitexport.transfer.snapshot_source import SnapshotSource

_SHOWN = 5
Origin = Callable[[PlannedEntity, Key], Key | None]


def refuse_dangling(
    source: SnapshotSource,
    planned: Sequence[PlannedEntity],
    found: Sequence[Dangling],
    origin: Origin | None = None,
) -> None:
    """Refuses rows whose references have no target.

    `origin` gives the key of the document that a row of the target comes from; without it,
    the keys are those of documents.

    Raises:
        ConflictError: There are some; the first are named, with what they refer to.
    """
    if not found:
        return
    entities = {entity.name: entity for entity in planned}
    first = entities[found[0].entity]
    keys = [
        origin(entities[dangling.entity], dangling.key) if origin else dangling.key
        for dangling in found[:_SHOWN]
    ]
    lines = [
        _in_words(source, dangling._replace(key=key or dangling.key))
        for dangling, key in zip(found, keys, strict=False)
    ]
    message = (
        f"{lines[0]}, which neither the snapshot nor the target has"
        f" (constraint '{found[0].foreign_key}')"
    )
    if len(found) > 1:
        end = "; …" if len(found) > _SHOWN else ""
        message += f", and {len(found) - 1} more like it: {'; '.join(lines[1:])}{end}"
    hint = "import what is referred to as well, or leave these documents out with --exclude"
    raise ConflictError(message, where=_place(first, keys[0]), hint=hint)


def refuse_misled(source: SnapshotSource, found: Sequence[Misled]) -> None:
    """Refuses rows whose references would lead to other rows, as the target computes them.

    Raises:
        ConflictError: There are some; the first is named, with the row that it should refer to.
    """
    if not found:
        return
    first = found[0]
    row = format_address(first.entity, first.key)
    before = _referred(source, first.target, first.columns, first.reference)
    after = _referred(source, first.target, first.columns, first.meant)
    columns = ", ".join(f"'{name}'" for name in first.computed)
    more = f" (and {len(found) - 1} more like it)" if len(found) > 1 else ""
    message = (
        f"{row} refers to {before}, which is {after} in the target; {columns} cannot follow,"
        f" as the target generates it{more}"
    )
    where = f"constraint '{first.foreign_key}'"
    hint = "leave these documents out with --exclude, or make it a plain column in the target"
    raise ConflictError(message, where=where, hint=hint)


def refuse_lacking(
    planned: Iterable[PlannedEntity], staged: Mapping[str, StagedRows], report: ImportReport
) -> None:
    """Refuses to insert rows without values that the target demands.

    Raises:
        ConfigError: A column may not be null, has no default, and no document holds it.
    """
    counts = {entity.name: entity.counts for entity in report.entities}
    for entity in planned:
        required = staged[entity.name].required if entity.name in staged else ()
        if required and counts[entity.name].inserted:
            names = ", ".join(f"'{name}'" for name in required)
            message = (
                f"{counts[entity.name].inserted:,} new rows of '{entity.entity.relation}' would"
                f" have no value for {names}, which may not be null"
            )
            hint = f"give the column a default, or leave {entity.name} out with --exclude"
            raise ConfigError(message, where=f"entity '{entity.name}'", hint=hint)


def refuse_deletions(report: ImportReport, options: ImportOptions) -> None:
    """Stops an import that deletes much of an entity.

    Raises:
        DecisionNeededError: More than the larger of 100 and 10 % of the rows would go, or
            an entity of 10 and more would become empty.
    """
    if Override.DELETES in options.overrides:
        return
    for entity in report.entities:
        counts = entity.counts
        before = counts.updated + counts.unchanged + counts.skipped + counts.deleted
        after = before - counts.deleted + counts.inserted
        if is_mass_deletion(count_before=before, deleted=counts.deleted, count_after=after):
            message = (
                f"{counts.deleted:,} of {before:,} rows of '{entity.relation}' would be deleted"
            )
            hint = (
                "look at the plan with --dry-run --override deletes; if it is right, go on with"
                f" --override deletes, or keep the rows with --mode {entity.name}=upsert"
            )
            raise DecisionNeededError(message, where=f"entity '{entity.name}'", hint=hint)


def refuse_cascades(reach: Sequence[CascadeReach], options: ImportOptions) -> None:
    """Stops an import that would change rows that it does not write.

    Raises:
        DecisionNeededError: A cascade would reach some.
    """
    if not reach or Override.CASCADE in options.overrides:
        return
    found = reach[0]
    does = "deleting" if found.event == "delete" else "updating"
    message = (
        f"{does} rows of '{found.target}' would change {counted(found.rows, 'row')} of"
        f" '{found.relation}' ({found.action}, constraint '{found.name}')"
    )
    hint = "import that relation as well, or go on with --override cascade"
    raise DecisionNeededError(message, where=str(found.relation), hint=hint)


def refuse_partial_mirror(planned: PlannedEntity) -> None:
    """Refuses a mirror of some documents where keys are not the target's.

    Raises:
        UsageError: The entity's rows are recognised by more than their key.
    """
    if planned.recognised.is_rewritten and planned.mode is ImportMode.MIRROR:
        message = f"some rows of '{planned.name}' cannot be mirrored: their keys are the target's"
        hint = f"--mode {planned.name}=upsert, or mirror the whole entity"
        raise UsageError(message, where="--only", hint=hint)


def unmatched(planned: PlannedEntity, address: Address) -> UsageError:
    """Makes the error for an address that matches no document."""
    message = f"'{address}' matches no document of the snapshot"
    key = ", ".join(planned.stored.stored.key)
    hint = f"the key of '{planned.name}' is {key}; * stands for any text, as in {planned.name}:1*"
    return UsageError(message, where=str(address), hint=hint)


@contextmanager
def naming_documents(planned: Sequence[PlannedEntity], origin: Origin) -> Iterator[None]:
    """Adds to a refused row which document it comes from, and where that stands.

    `origin` gives the key of the document that a row of the target comes from, None if it is
    not known.

    Raises:
        RowRefusedError: As it came, with the path of the document.
    """
    try:
        yield
    except RowRefusedError as error:
        entity = next((found for found in planned if found.name == error.entity), None)
        if entity is not None and error.key is not None:
            key = origin(entity, error.key) if entity.recognised.is_rewritten else error.key
            address, place = format_address(entity.name, key or error.key), _place(entity, key)
            # A document that was checked as it was read is named already.
            if error.where != place:
                error.message = f"{address}: {error.message}"
                error.where = place
        raise


def _place(entity: PlannedEntity, key: Key | None) -> str:
    if key is None:
        return f"a row of '{entity.entity.relation}'"
    directory, name = entity.stored.stored.paths.path(key)
    return f"{directory.decode()}/{name.decode()}"


def _in_words(source: SnapshotSource, dangling: Dangling) -> str:
    row = format_address(dangling.entity, dangling.key)
    referred = _referred(source, dangling.target, dangling.columns, dangling.reference)
    return f"{row} refers to {referred}"


def _referred(
    source: SnapshotSource, target: RelationName, columns: Sequence[str], values: Key
) -> str:
    for name, entity in source.entities.items():
        relation = entity.stored.relation
        if target in {relation.name, *relation.partitions} and columns == entity.stored.key:
            return format_address(name, values)
    named = zip(columns, values, strict=True)
    return f"a row of '{target}' with " + ", ".join(f"{name} '{value}'" for name, value in named)
