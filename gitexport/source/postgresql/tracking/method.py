"""Chooses by an entity's tracking method: flag, table or compare.

What a view needs to know of tracking is here and nowhere else: where to read, what is
pending, which version a row has, and which keys were deleted.
"""

from __future__ import annotations

from collections.abc import Iterator

from gitexport.model.entity import Entity, Tracking
from gitexport.model.key_text import is_text, key_part
from gitexport.model.ports import Key, Tombstones
from gitexport.model.relation import Relation
from gitexport.source.postgresql.session import Cursor, checks_no_encoding
from gitexport.source.postgresql.state import Registration
from gitexport.source.postgresql.tracking import compare, flag, table
from gitexport.source.postgresql.tracking.parts import (
    ReadSql,
    check_inheritance,
    tracking_of,
)

_TOMBSTONES = "SELECT id, key FROM gitexport.tombstones WHERE tracked = %s ORDER BY id"
_BYTE_TOMBSTONES = """
SELECT id, CASE WHEN key IS NOT NULL THEN ARRAY(
    SELECT convert_to(p.part, 'SQL_ASCII') FROM unnest(key) WITH ORDINALITY AS p(part, place)
    ORDER BY p.place) END
FROM gitexport.tombstones WHERE tracked = %s ORDER BY id
"""

__all__ = ["ReadSql", "read_sql", "read_tombstones"]


def read_sql(entity: Entity, relation: Relation, alias: str) -> ReadSql:
    """Gives the parts of a SELECT over an entity's relation under an alias.

    Raises:
        ConfigError: The entity is tracked by a flag, and its column is missing or not boolean,
            or it is tracked and its relation inherits or is inherited.
    """
    method = tracking_of(entity, relation)
    if method is not Tracking.COMPARE:
        # Also a table that was tracked may have become a parent since.
        check_inheritance(entity, relation)
    if method is Tracking.FLAG:
        return flag.read_sql(entity, relation, alias)
    if method is Tracking.TABLE:
        return table.read_sql(entity, relation, alias)
    return compare.read_sql(entity, alias)


def read_tombstones(cursor: Cursor, registration: Registration | None) -> Tombstones:
    """Reads the hints of an entity's deleted keys, in the transaction of the cursor.

    They are complete only where the triggers are in place and enabled, nothing was
    truncated, and the relation is stored where it was when the run began. Otherwise only a
    comparison of all keys tells what was deleted.

    Raises:
        psycopg.Error: The server refused the statement.
    """
    if registration is None:
        return Tombstones(is_complete=False)
    has_any_bytes = checks_no_encoding(cursor)
    cursor.execute(_BYTE_TOMBSTONES if has_any_bytes else _TOMBSTONES, (registration.id,))
    rows = cursor.fetchall()
    keys: Iterator[Key] = (tuple(key) for _, key in rows if key is not None)
    if has_any_bytes:
        texts = (tuple(map(key_part, key)) for _, key in rows if key is not None)
        # No document can have had another key.
        keys = (key for key in texts if all(map(is_text, key)))
    return Tombstones(
        keys=tuple(dict.fromkeys(keys)),
        is_complete=registration.is_sound and all(key is not None for _, key in rows),
        ids=tuple(number for number, _ in rows),
    )
