"""Random values of every kind read as `row_to_json` writes them, and restore to equal rows."""

from __future__ import annotations

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from gitexport.source.postgresql.view import open_view
from tests.integration.source.random_values import COLUMNS, DAYS, MICROSECONDS, insert
from tests.integration.source.reading import documents, entity_of, oracle


@settings(max_examples=40)
@given(
    values=st.fixed_dictionaries({name: kind[1] for name, kind in COLUMNS.items()}),
    others=st.fixed_dictionaries({name: kind[1] for name, kind in COLUMNS.items()}),
    day=DAYS,
    us=MICROSECONDS,
)
def test_random_values_read_and_restore(
    random_things: psycopg.Connection,
    values: dict[str, str],
    others: dict[str, str],
    day: int,
    us: int,
) -> None:
    connection = random_things
    connection.execute("TRUNCATE things")
    # `json_populate_record` cannot read a list as an element of jsonb[].
    insert(connection, values, others, (day, us), without_arrays=["e jsonb"])
    entity = entity_of("public.things")
    with open_view(connection) as view:
        assert documents(view, entity) == oracle(connection, entity)
    restored = connection.execute(
        "SELECT count(*) FROM things t WHERE"
        " json_populate_record(NULL::things, row_to_json(t.*)) *= t"
    ).fetchone()
    assert restored == (2,)
