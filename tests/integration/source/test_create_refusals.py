"""Descriptions that want more than a relation, and databases that have another one already."""

from __future__ import annotations

import contextlib
import uuid

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitexport.errors import (
    ConfigError,
    ConflictError,
    DecisionNeededError,
    PermissionDeniedError,
    SourceError,
)
from gitexport.model.creation import WantedRelation
from gitexport.model.relation import (
    Column,
    NamedType,
    PartitionBound,
    Relation,
    RelationKind,
    RelationName,
    Sequence,
    TypeKind,
    UniqueKey,
    quote_identifier,
)
from gitexport.source.postgresql.create.sql_text import check_expression
from tests.integration.source.creating import make, read


def table(**more: object) -> WantedRelation:
    """Wants a small table with something odd about it."""
    columns = (Column("id", "integer", not_null=True), Column("n", "text"))
    relation = Relation(RelationName("public", "t"), RelationKind.TABLE, columns, ("id",))
    return WantedRelation(relation._replace(**more), ("id", "n"), ("id",))  # type: ignore[arg-type]


EVIL = "0); CREATE TABLE evil (id int); --"


@pytest.mark.parametrize(
    "item",
    [
        table(columns=(Column("id", f"integer {EVIL}"),)),
        table(columns=(Column("id", "integer", default=EVIL),)),
        table(columns=(Column("id", "integer", generated=EVIL),)),
        table(columns=(Column("id", "integer", collation=EVIL),)),
        table(checks=(("c", f"CHECK ({EVIL}"),)),
        table(constraints=(("c", f"UNIQUE (id); {EVIL}"),)),
        table(kind=RelationKind.PARTITIONED, partition_key=f"LIST ({EVIL}"),
        table(
            kind=RelationKind.PARTITIONED,
            partition_key="LIST (id)",
            bounds=(
                PartitionBound(
                    RelationName("public", "p"), RelationName("public", "t"), f"DEFAULT {EVIL}"
                ),
            ),
        ),
        table(sequences=(Sequence(RelationName("public", "s"), "n", f"bigint; {EVIL}"),)),
        table(types=(NamedType("public.x", TypeKind.DOMAIN, base=EVIL),)),
        table(types=(NamedType("public.x", TypeKind.DOMAIN, base="text", default=EVIL),)),
        table(types=(NamedType("public.x", TypeKind.DOMAIN, base="text", checks=(EVIL,)),)),
        table(types=(NamedType("public.x", TypeKind.COMPOSITE, attributes=(("a", EVIL),)),)),
        table(types=(NamedType("public.x", TypeKind.RANGE, subtype=EVIL),)),
        table(types=(NamedType(EVIL, TypeKind.ENUM),)),
        table(types=(NamedType("public.x", TypeKind.ENUM, labels=("a\0b",)),)),
        table(primary_key=("n\0",), columns=(Column("id", "integer"), Column("n\0", "text"))),
        table(types=(NamedType("public.x", TypeKind.MULTIRANGE),)),
        table(
            types=(
                NamedType("public.x", TypeKind.DOMAIN, base="public.y"),
                NamedType("public.y", TypeKind.DOMAIN, base="public.x[]"),
            )
        ),
    ],
)
def test_sql_that_reaches_further_is_refused(
    connection: psycopg.Connection, item: WantedRelation
) -> None:
    with pytest.raises(ConfigError):
        make(connection, [item])
    assert read(connection) == []


def test_names_are_only_names(connection: psycopg.Connection) -> None:
    name = '"; DROP TABLE kept; --'
    connection.execute("CREATE TABLE kept (id int)")
    columns = (Column(name, "integer", not_null=True),)
    relation = Relation(
        RelationName(name, name),
        RelationKind.TABLE,
        columns,
        (name,),
        unique_keys=(UniqueKey(f"{name}key", (name,), is_primary=True),),
        types=(NamedType(f"public.{quote_identifier(name)}", TypeKind.ENUM, labels=(name, "'")),),
    )
    make(connection, [WantedRelation(relation, (name,), (name,))])

    made = {found.name.name: found for found in read(connection)}
    assert made.keys() == {"kept", name}
    assert made[name].primary_key == (name,)


@pytest.mark.parametrize(
    "text",
    [
        "pg_read_file('/etc/passwd'::text)",
        "(pg_catalog.pg_terminate_backend(1))::text",
        "set_config('log_statement'::text, 'none'::text, false)",
        "(lo_import('/etc/passwd'::text))::text",
        "query_to_xml('DELETE FROM kept'::text, true, true, ''::text)::text",
    ],
)
def test_functions_that_no_column_needs_are_refused(
    connection: psycopg.Connection, text: str
) -> None:
    columns = (Column("id", "integer", not_null=True), Column("n", "text", default=text))
    with pytest.raises(DecisionNeededError, match="which no column needs"):
        make(connection, [table(columns=columns)])


def test_functions_of_extensions_that_act_are_refused(connection: psycopg.Connection) -> None:
    connection.execute("CREATE EXTENSION dblink")
    check = ("c", "CHECK ((public.dblink_exec('x'::text, n) IS NOT NULL))")
    with pytest.raises(DecisionNeededError, match="calls 'dblink_exec'"):
        make(connection, [table(checks=(check,))])


def test_extension_that_may_do_more_is_left_to_a_person(connection: psycopg.Connection) -> None:
    with pytest.raises(DecisionNeededError, match="the extension 'dblink', which may do more"):
        make(connection, [table(extensions=(("dblink", "public"),))])
    connection.execute("CREATE SCHEMA e; CREATE EXTENSION hstore SCHEMA e")
    with pytest.raises(ConflictError, match="is in the schema 'e', not in 'public'"):
        make(connection, [table(extensions=(("hstore", "public"),))])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("CREATE TABLE t (id int PRIMARY KEY, n varchar)", "'n' is character varying and not text"),
        ("CREATE TABLE t (id int PRIMARY KEY)", "it has no column 'n'"),
        ("CREATE TABLE t (id int PRIMARY KEY, n text NOT NULL)", "column 'n' has another"),
        ("CREATE TABLE t (id int NOT NULL, n text)", "its primary key is ()"),
        ("CREATE VIEW t AS SELECT 1 AS id, ''::text AS n", "it is a view and not a table"),
        ("CREATE TABLE t (id int PRIMARY KEY, n text)", "check 'c' is missing or another"),
    ],
)
def test_what_is_there_and_differs_is_named_and_kept(
    connection: psycopg.Connection, script: str, words: str
) -> None:
    connection.execute(script.encode())
    before = read(connection)
    with pytest.raises(ConflictError) as caught:
        make(connection, [table(checks=(("c", "CHECK ((id > 0))"),))])
    assert words in caught.value.message
    assert caught.value.where == "public.t"
    assert read(connection) == before


def test_type_that_is_there_and_differs_is_named(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TYPE mood AS ENUM ('sad')")
    mood = NamedType("public.mood", TypeKind.ENUM, labels=("sad", "ok"))
    columns = (Column("id", "integer", not_null=True), Column("n", "public.mood", TypeKind.ENUM))
    with pytest.raises(ConflictError, match=r"the type 'public\.mood' is there"):
        make(connection, [table(columns=columns, types=(mood,))])
    make(connection, [table(columns=columns, types=(mood._replace(labels=("sad",)),))])


def test_sequence_of_somebody_else_is_not_taken(connection: psycopg.Connection) -> None:
    connection.execute("CREATE SEQUENCE own; CREATE SEQUENCE shared")
    own, shared = (RelationName("public", name) for name in ("own", "shared"))
    with pytest.raises(ConflictError, match=r"the sequence 'public\.own' is there"):
        make(connection, [table(sequences=(Sequence(own, "id", "integer"),))])
    plan = make(connection, [table(sequences=(Sequence(shared, "id", "bigint", is_owned=False),))])
    assert [step.what for step in plan.steps] == ["table public.t"]


def test_failure_half_way_leaves_nothing(connection: psycopg.Connection) -> None:
    columns = (Column("id", "integer", not_null=True), Column("n", "no.such_type"))
    good = replace_name(table(), RelationName("new", "good"))
    items = [good, table(columns=columns)]
    with pytest.raises(SourceError, match="does not exist") as caught:
        make(connection, items)
    assert caught.value.where == "table public.t"
    assert read(connection) == []


def test_role_that_may_make_nothing_is_told_what_to_grant(
    connection: psycopg.Connection,
) -> None:
    role = f"r_{uuid.uuid4().hex}"
    connection.execute(f"CREATE ROLE {role}; SET ROLE {role}".encode())
    try:
        with pytest.raises(PermissionDeniedError) as caught:
            make(connection, [replace_name(table(), RelationName("new", "t"))])
        assert caught.value.where == "schema new"
        assert "grant the role CREATE on the database" in (caught.value.hint or "")
    finally:
        connection.execute(f"RESET ROLE; DROP ROLE {role}".encode())


def replace_name(item: WantedRelation, name: RelationName) -> WantedRelation:
    """Wants the same relation under another name."""
    return item._replace(relation=item.relation._replace(name=name))


PIECES = st.sampled_from([
    "'", "''", "E'", "e'", "U&'", "\\", "\\'", '"', "$$", "$a$", "(", ")", ";", "--", "/*", "*/",
    "\n", " ", "1", "x", "||", ",", "::text", "'a'", "E'\\''", "); DROP TABLE kept; SELECT (1",
])  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES, min_size=1, max_size=12).map("".join))
def test_whatever_passes_stays_one_default(connection: psycopg.Connection, text: str) -> None:
    try:
        check_expression(text, "here")
    except ConfigError:
        return
    connection.execute("DROP TABLE IF EXISTS probe; CREATE TABLE IF NOT EXISTS kept (id int)")
    with contextlib.suppress(psycopg.Error):
        connection.execute(f"CREATE TABLE probe (a text DEFAULT ({text}))".encode())
    found = {relation.name.name: relation for relation in read(connection)}
    assert found.keys() - {"probe"} == {"kept"}
    if "probe" in found:
        assert [column.name for column in found["probe"].columns] == ["a"]
