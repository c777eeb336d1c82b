"""Every kind of relation reads; what hides rows or may not be read fails with a hint."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gitexport.errors import (
    ConfigError,
    PermissionDeniedError,
    RelationNotFoundError,
)
from gitexport.model.entity import Entity
from gitexport.model.ports import RowQuery, RowScope, SourceView
from gitexport.source.postgresql.connection import connect
from gitexport.source.postgresql.view import open_view
from tests.integration.source.reading import documents, entity_of, every_row, oracle

_RELATIONS = """
CREATE TABLE public.plain (id int, k text, v jsonb, PRIMARY KEY (id, k));
INSERT INTO plain SELECT i, 'k' || i % 7, jsonb_build_object('b', i, 'a', i * 1.10)
  FROM generate_series(1, 500) i;
CREATE TABLE public.split (id int, k text, v jsonb, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE public.split_a PARTITION OF split FOR VALUES IN ('k1', 'k2') PARTITION BY HASH (id);
CREATE TABLE public.split_a0 PARTITION OF split_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.split_a1 PARTITION OF split_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE public.split_rest PARTITION OF split DEFAULT;
INSERT INTO split SELECT * FROM plain;
CREATE VIEW public.seen AS SELECT * FROM plain WHERE id <= 400;
CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM split;
"""


@pytest.mark.parametrize("name", ["plain", "split", "seen", "kept"])
@pytest.mark.parametrize("parts", [1, 3])
def test_the_parts_of_any_relation_are_disjoint_and_complete(
    connection: psycopg.Connection, name: str, parts: int
) -> None:
    connection.execute(_RELATIONS)
    entity = entity_of(f"public.{name}", ["id", "k"])
    with open_view(connection) as view:
        shares = [
            [
                row.key
                for row in every_row(view, entity, RowQuery(RowScope.ALL, part=part, parts=parts))
            ]
            for part in range(parts)
        ]
        assert documents(view, entity) == oracle(connection, entity)
        keys = list(view.keys(entity))
    together = [key for share in shares for key in share]
    assert len(together) == len(set(together))
    assert set(together) == set(keys)
    assert all(len(share) > 60 for share in shares)


def test_neighbouring_integers_stay_in_one_part(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE numbers AS SELECT n AS id FROM generate_series(-160, 159) n")
    entity = entity_of("public.numbers", ["id"])
    with open_view(connection) as view:
        shares = [
            {
                int(row.key[0])
                for row in every_row(view, entity, RowQuery(RowScope.ALL, part=part, parts=2))
            }
            for part in range(2)
        ]
    assert shares[0] | shares[1] == set(range(-160, 160))
    assert not {number >> 5 for number in shares[0]} & {number >> 5 for number in shares[1]}
    assert [len(share) for share in shares] == [160, 160]


def test_one_part_tells_of_a_row_without_a_key(connection: psycopg.Connection) -> None:
    connection.execute(
        "CREATE TABLE numbers AS SELECT nullif(n, 3) AS id FROM generate_series(1, 9) n"
    )
    entity = entity_of("public.numbers", ["id"])
    with open_view(connection) as view, pytest.raises(ConfigError, match="no value in its key"):
        _every_part(view, entity)


def _every_part(view: SourceView, entity: Entity) -> None:
    for part in range(2):
        every_row(view, entity, RowQuery(RowScope.ALL, part=part, parts=2))


def test_a_limit_takes_the_first_rows_by_key(connection: psycopg.Connection) -> None:
    connection.execute(_RELATIONS)
    entity = entity_of("public.split", ["id", "k"])
    with open_view(connection) as view:
        rows = every_row(view, entity, RowQuery(RowScope.ALL, limit=12))
    assert [row.key[0] for row in rows] == [str(number) for number in range(1, 13)]


def test_all_rows_come_in_order_where_asked(connection: psycopg.Connection) -> None:
    connection.execute(_RELATIONS)
    with open_view(connection) as view:
        rows = every_row(
            view, entity_of("public.split", ["id", "k"]), RowQuery(RowScope.ALL, is_ordered=True)
        )
    assert [row.key[0] for row in rows] == [str(number) for number in range(1, 501)]


@pytest.mark.parametrize(
    "where", ["id % 2 = 0", "plain.id % 2 = 0 -- comment", "id % 2 = 0 OR id IS NULL"]
)
def test_rows_outside_of_the_filter_are_no_rows(connection: psycopg.Connection, where: str) -> None:
    connection.execute(_RELATIONS)
    entity = entity_of("public.plain", ["id", "k"], where=where)
    with open_view(connection) as view:
        read = {int(row.key[0]) for row in every_row(view, entity)}
        keys = {int(key[0]) for key in view.keys(entity)}
        living = view.living(entity, [("1", "k1"), ("2", "k2"), ("2", "k1"), ("2",), ("x", "k2")])
        departed = {int(row.key[0]) for row in view.departed(entity)}
        assert view.count(entity, RowScope.PENDING) == 250
    assert read == keys == set(range(2, 501, 2))
    assert living == {("2", "k2")}
    assert departed == set(range(1, 501, 2))


def test_keys_are_told_apart_by_their_text(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id numeric PRIMARY KEY)")
    connection.execute("INSERT INTO things VALUES (1.0), (2.00)")
    entity = entity_of("public.things")
    with open_view(connection) as view:
        # 2 and 2.00 are equal numbers, but files of two names.
        assert view.living(entity, [("1.0",), ("2",), ("2.00",)]) == {("1.0",), ("2.00",)}


def test_living_finds_rows_by_their_index(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id bigint PRIMARY KEY, pad text)")
    connection.execute(
        "INSERT INTO things SELECT i, repeat('x', 50) FROM generate_series(1, 20000) i"
    )
    connection.execute("VACUUM ANALYZE things")
    before = _sequential_scans(connection)
    with open_view(connection) as view:
        assert len(view.living(entity_of("public.things"), [(str(i),) for i in range(50)])) == 49
    assert _sequential_scans(connection) == before


def _sequential_scans(connection: psycopg.Connection) -> int:
    connection.execute("SELECT pg_stat_clear_snapshot()")
    if connection.info.server_version >= 150000:
        connection.execute("SELECT pg_stat_force_next_flush()")
    row = connection.execute(
        "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'things'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_key_without_a_value_is_refused(connection: psycopg.Connection) -> None:
    connection.execute("CREATE VIEW things AS SELECT NULL::int AS id")
    entity = entity_of("public.things")
    with open_view(connection) as view:
        with pytest.raises(ConfigError, match="no value in its key column 'id'"):
            every_row(view, entity)
        with pytest.raises(ConfigError, match="no value"):
            list(view.keys(entity))


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        (entity_of("public.gone"), "relation 'public.gone' does not exist"),
        (entity_of("public.plain", ["nothing"]), "no column 'nothing'"),
    ],
    ids=["relation", "key"],
)
def test_what_is_gone_is_named(
    connection: psycopg.Connection, entity: Entity, message: str
) -> None:
    connection.execute(_RELATIONS)
    with open_view(connection) as view, pytest.raises(RelationNotFoundError, match=message):
        view.relation(entity)


def test_a_filter_that_is_no_sql_is_reported(connection: psycopg.Connection) -> None:
    connection.execute(_RELATIONS)
    entity = entity_of("public.plain", ["id", "k"], where="id ===")
    with open_view(connection) as view:
        with pytest.raises(ConfigError) as caught:
            every_row(view, entity)
        assert caught.value.where == f"gitexport.toml: [entities.{entity.name}] where"
        # The view lives on.
        assert len(every_row(view, entity._replace(where=None))) == 500


@pytest.fixture
def reader(connection: psycopg.Connection, database: str) -> str:
    """Connects as a role without any privilege, which is dropped with its database."""
    role = f"reader_{connection.info.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'".encode())
    return make_conninfo(database, user=role, password="secret")  # noqa: S106 - made above


def _refused(dsn: str, entity: Entity) -> PermissionDeniedError:
    opened = connect(dsn)
    try:
        with open_view(opened) as view, pytest.raises(PermissionDeniedError) as caught:
            every_row(view, entity)
    finally:
        opened.close()
    return caught.value


def test_a_missing_privilege_names_the_columns_and_the_grant(
    connection: psycopg.Connection, reader: str
) -> None:
    connection.execute(_RELATIONS)
    role = psycopg.conninfo.conninfo_to_dict(reader)["user"]
    try:
        error = _refused(reader, entity_of("public.plain", ["id", "k"]))
        assert "id, k, v" in error.message
        assert "GRANT SELECT ON public.plain" in (error.hint or "")
        connection.execute(f"GRANT SELECT (id, k) ON plain TO {role}".encode())
        assert "plain': v" in _refused(reader, entity_of("public.plain", ["id", "k"])).message
        opened = connect(reader)
        with open_view(opened) as view:
            published = entity_of("public.plain", ["id", "k"], columns=("id",))
            assert len(every_row(view, published)) == 500
        opened.close()
    finally:
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def test_row_level_security_fails_loudly(connection: psycopg.Connection, reader: str) -> None:
    connection.execute(_RELATIONS)
    role = psycopg.conninfo.conninfo_to_dict(reader)["user"]
    connection.execute(f"GRANT SELECT ON plain TO {role}".encode())
    connection.execute("ALTER TABLE plain ENABLE ROW LEVEL SECURITY")
    connection.execute("CREATE POLICY half ON plain USING (id % 2 = 0)")
    try:
        error = _refused(reader, entity_of("public.plain", ["id", "k"]))
        assert "row-level security" in error.message
        assert "BYPASSRLS" in (error.hint or "")
    finally:
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())
