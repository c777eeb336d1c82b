"""The key that a document tells, held against PostgreSQL's own casts."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.canonical.document_key import key_parts
from gitexport.canonical.value import loads
from gitexport.model.relation import (
    Column,
    NamedType,
    Relation,
    RelationKind,
    RelationName,
    TypeKind,
)

VALUES = {
    "smallint": ["-1", "0"],
    "bigint": ["9223372036854775807"],
    "numeric": ["1.10", "-0.00", "1e3", "NaN", "123456789012345678901234567890.1"],
    "numeric(10,2)": ["1.1"],
    "double precision": ["1.5", "1e300", "-0", "infinity"],
    "real": ["0.1"],
    "text": ["", " a ", "é\n", "1"],
    "character varying(5)": ["ab "],
    "character(5)": ["ab"],
    "uuid": ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    "boolean": ["t", "f"],
    "date": ["2025-06-22", "infinity", "0044-03-15 BC"],
    "timestamp without time zone": ["2025-06-22 07:21:14.5", "-infinity", "0044-03-15 BC"],
    "timestamp(0) without time zone": ["2025-06-22 07:21:14"],
    "timestamp with time zone": ["2025-06-22 07:21:14.5+02", "infinity", "0044-03-15 BC"],
    "mood": ["sad"],
}
UNSURE = {
    "inet": ["10.0.0.1"],
    "integer[]": ["{1,2}"],
    "jsonb": ['{"a":1}', '"a"'],
    "time without time zone": ["07:21"],
}


@pytest.mark.parametrize(
    ("type_name", "text"),
    [(name, text) for name, texts in {**VALUES, **UNSURE}.items() for text in texts],
)
def test_key_of_a_document_is_the_text_of_the_column(
    connection: psycopg.Connection, type_name: str, text: str
) -> None:
    connection.execute("CREATE TYPE mood AS ENUM ('sad')")
    for setting in ("TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "IntervalStyle = 'iso_8601'"):
        connection.execute(f"SET {setting}".encode())
    row = connection.execute(
        f"SELECT row_to_json(r)::text, r.key::text FROM (SELECT %s::{type_name} AS key) r".encode(),
        (text,),
    ).fetchone()
    assert row is not None
    document = loads(row[0].encode())
    relation = Relation(
        RelationName("public", "r"),
        RelationKind.TABLE,
        (Column("key", type_name),),
        types=(NamedType("mood", TypeKind.ENUM, labels=("sad",)),),
    )

    assert isinstance(document, dict)
    assert key_parts(document, relation, ("key",)) == (row[1] if type_name in VALUES else None,)


def test_document_without_its_key_tells_none(connection: psycopg.Connection) -> None:
    del connection
    relation = Relation(
        RelationName("public", "r"), RelationKind.TABLE, (Column("key", "integer"),)
    )

    assert key_parts({}, relation, ("key", "absent")) == (None, None)
    assert key_parts({"key": None}, relation, ("key",)) == (None,)
    assert key_parts({"key": [1]}, relation, ("key",)) == (None,)
