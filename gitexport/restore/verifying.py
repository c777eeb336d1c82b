"""Compares what was written in rows with the documents, before the transaction ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from gitexport.canonical.value import ExactNumber, loads
from gitexport.errors import ConflictError, UnsupportedValueError
from gitexport.model.address import format_address
from gitexport.model.counted import counted
from gitexport.model.field_merge import same_value
from gitexport.model.ports import Key
from gitexport.model.writing import RowWriter
from gitexport.restore.tip import Tip, blob_of
from gitexport.restore.writing import Staged, content_of

_NAMED = 3


def verify(writer: RowWriter, tip: Tip, staged: Staged, *, is_strict: bool) -> list[str]:
    """Reads what was written back and compares it with the documents.

    Gives a sentence for each row that is another one, where that is allowed.

    Raises:
        ConflictError: A row did not become what its document says, and has to.
    """
    differing: list[str] = []
    unlike: dict[Key, list[str]] = {}
    seen = rewritten = 0
    for row in writer.written(staged.entity):
        target = staged.targets.get(row.key)
        if target is None:
            continue
        seen += target.wanted is not None
        name = format_address(staged.entity.name, row.key)
        if target.wanted is None:
            differing.append(f"{name} was not deleted")
        elif row.document is None:
            differing.append(f"{name} cannot be read back: {row.problem}")
        elif blob_of(row.document) != target.wanted:
            wanted = content_of(tip, target)
            columns = _differing(staged, wanted, row.document, _is_equal)
            if columns:
                unlike[row.key] = columns
            rewritten += not columns and bool(_differing(staged, wanted, row.document, same_value))
    _forgive_types(writer, tip, staged, unlike)
    differing += _unlike_rows(staged, unlike)
    rewritten += sum(not columns for columns in unlike.values())
    missing = staged.inserted + staged.updated - seen
    if missing > 0:
        are = "is" if missing == 1 else "are"
        differing.append(f"{counted(missing, 'row')} of '{staged.entity.name}' {are} not there")
    if differing and is_strict:
        raise _refused(differing)
    if rewritten:
        differing.append(_written_otherwise(staged.entity.name, rewritten))
    return differing


def _written_otherwise(name: str, rows: int) -> str:
    holds = "holds" if rows == 1 else "hold"
    return f"{counted(rows, 'row')} of '{name}' {holds} equal values, written otherwise"


def _refused(differing: Sequence[str]) -> ConflictError:
    more = f" and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
    message = "rows did not become what the snapshot holds; nothing was changed"
    hint = "a trigger, rule, generated column or changed type made them different"
    return ConflictError(message, where="; ".join(differing[:_NAMED]) + more, hint=hint)


def _differing(
    staged: Staged, wanted: bytes, found: bytes, is_same: Callable[[object, object], bool]
) -> list[str]:
    """Lists the members in which a row differs from what its document says of it.

    Generated columns are the database's own.
    """
    try:
        old, new = loads(wanted), loads(found)
    except UnsupportedValueError:
        return ["the whole document"]
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ["the whole document"]
    generated = {column.name for column in staged.relation.columns if column.generated}
    shared = [name for name in new if name in old and name not in generated]
    return [name for name in shared if not is_same(old[name], new[name])]


def _forgive_types(
    writer: RowWriter, tip: Tip, staged: Staged, unlike: Mapping[Key, list[str]]
) -> None:
    """Takes out the columns whose new type holds the very value, written as that type does."""
    asked = dict.fromkeys(column for columns in unlike.values() for column in columns)
    types = {name: staged.former_types[name] for name in asked if name in staged.former_types}
    if not types:
        return
    for found in writer.as_before(staged.entity, types):
        columns = unlike.get(found.key, [])
        if found.column in columns:
            wanted = loads(content_of(tip, staged.targets[found.key]))
            value = wanted[found.column] if isinstance(wanted, dict) else None
            with suppress(UnsupportedValueError):
                if _is_equal(value, loads(found.value)):
                    columns.remove(found.column)


def _unlike_rows(staged: Staged, unlike: Mapping[Key, list[str]]) -> list[str]:
    name = staged.entity.name
    return [
        f"{format_address(name, key)} has another value in "
        + ", ".join(_with_types(staged, column) for column in columns)
        for key, columns in unlike.items()
        if columns
    ]


def _with_types(staged: Staged, column: str) -> str:
    now = staged.relation.column(column)
    if column not in staged.former_types or now is None:
        return f"'{column}'"
    return f"'{column}' (was {staged.former_types[column]}, is {now.type_name})"


def _is_equal(wanted: object, found: object) -> bool:
    """Compares exactly, but for the zeros that a number gets where its column got more digits."""
    if same_value(wanted, found):
        return True
    numbers = (int, ExactNumber)
    if not (isinstance(wanted, numbers) and isinstance(found, numbers)):
        return False
    is_plain = not isinstance(wanted, bool) and not isinstance(found, bool)
    return is_plain and Decimal(str(wanted)) == Decimal(str(found))
