"""Says which document a refused statement speaks of, without showing any of its values."""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from gitexport.errors import PermissionDeniedError, RowRefusedError, SourceError
from gitexport.model.address import format_address
from gitexport.model.ports import Key
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.errors import is_connection_loss, refusal_text, translate

NOT_NULL = "23502"
FOREIGN_KEY = "23503"
UNIQUE = "23505"
CHECK = "23514"
EXCLUSION = "23P01"
_CODE_OF_PEOPLE = "P0"
_ROW_CLASSES = ("22", "23", "44", _CODE_OF_PEOPLE)
_LOG_HINT = "the server's log has the words of the trigger or function that refused"


class Broken(NamedTuple):
    """What the server says of a row that it refused: names only."""

    sqlstate: str
    relation: RelationName | None
    column: str | None
    constraint: str | None

    @classmethod
    def of(cls, error: psycopg.Error) -> Broken:
        """Reads the names out of a refusal."""
        diag = error.diag
        relation = None
        if diag.schema_name and diag.table_name:
            relation = RelationName(diag.schema_name, diag.table_name)
        return cls(error.sqlstate or "", relation, diag.column_name, diag.constraint_name)


def is_about_a_row(error: psycopg.Error) -> bool:
    """Tells whether a row's values are why a statement was refused."""
    return not is_connection_loss(error) and (error.sqlstate or "").startswith(_ROW_CLASSES)


def is_of_people(error: psycopg.Error) -> bool:
    """Tells whether people's own code refused a row, as with RAISE."""
    return (error.sqlstate or "").startswith(_CODE_OF_PEOPLE)


def refused(
    error: psycopg.Error, entity: str, key: Key | None, *, column: str | None = None
) -> RowRefusedError:
    """Makes the error for a row that the server refused."""
    broken = Broken.of(error)
    hint = _LOG_HINT if is_of_people(error) else None
    found = RowRefusedError(
        _message(error, broken, column),
        entity=entity,
        key=key,
        constraint=broken.constraint,
        sqlstate=broken.sqlstate,
        where=entity if key is None else format_address(entity, key),
        hint=hint,
    )
    # A traceback prints the cause, whose text may quote values of a row.
    error.args = (found.message,)
    return found


def unsuitable(entity: str, key: Key, reason: str, *, hint: str | None = None) -> RowRefusedError:
    """Makes the error for a document that cannot become a row."""
    where = format_address(entity, key)
    return RowRefusedError(reason, entity=entity, key=key, where=where, hint=hint)


def other_error(error: psycopg.Error, where: str) -> SourceError:
    """Makes the error for a refusal that no single row is the reason of."""
    found = translate(error, where=where)
    if isinstance(found, PermissionDeniedError) and "row-level" not in found.message:
        found.hint = "grant the role SELECT, INSERT, UPDATE and DELETE on the relation"
    error.args = (found.message,)
    return found


def _message(error: psycopg.Error, broken: Broken, column: str | None) -> str:
    relation = f"'{broken.relation}'" if broken.relation else "its relation"
    constraint = f"'{broken.constraint}'"
    messages = {
        NOT_NULL: f"column '{broken.column}' of {relation} may not be null",
        FOREIGN_KEY: f"the foreign key {constraint} of {relation} would not hold",
        UNIQUE: f"another row of {relation} has the same values (constraint {constraint})",
        CHECK: f"the check {constraint} of {relation} does not hold",
        EXCLUSION: f"it excludes another row of {relation} (constraint {constraint})",
    }
    if broken.sqlstate == CHECK and broken.constraint is None:
        return f"the row is outside of the bounds of {relation} or of all its partitions"
    if is_of_people(error):
        return f"a trigger or function of the database refused the row ({broken.sqlstate})"
    if column is None and broken.relation and broken.sqlstate in messages:
        return messages[broken.sqlstate]
    text = f"the database refused the value: {refusal_text(error)}"
    return text if column is None else f"column '{column}': {text}"
