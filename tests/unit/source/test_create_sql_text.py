"""SQL from a snapshot: what the catalog writes passes, what reaches further does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gitexport.errors import ConfigError
from gitexport.source.postgresql.create import sql_text
from gitexport.source.postgresql.create.sql_text import Call, calls_of


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "'it''s; -- fine'::text",
        "nextval('public.users_id_seq'::regclass)",
        "(((price * 1.5))::numeric(10,2) + (-1))",
        "ARRAY['a'::text, 'b(('::text]",
        '("a""b" || \'\\x\'::text)',
        "E'back\\\\slash'::text",
        "('$'::text)",
        "E'a\\\\''b'::text",
        "CASE WHEN (a > 0) THEN 'x'::text ELSE NULL::text END",
        "(note ~ '^[a-z]\\\\d'::text)",
        "(a OPERATOR(public.<->) b)",
    ],
)
def test_expressions_of_the_catalog_pass(text: str) -> None:
    assert sql_text.check_expression(text, "here") == text


@pytest.mark.parametrize(
    "text",
    [
        "0); DROP TABLE x",
        "0) , evil int DEFAULT (1",
        "0 -- rest",
        "0 /* open",
        "'open",
        '"open',
        "",
        "  ",
        "((1)",
        "1;",
        "$x$ open",
        "\0",
        "1\\",
        "E'\\''); DROP TABLE x; SELECT ('x'",
        "E'\\''); DROP TABLE x; SELECT (E'\\''",
    ],
)
def test_what_reaches_further_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not used as SQL"):
        sql_text.check_expression(text, "here")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (sql_text.check_type, "integer", "integer, b int"),
        (sql_text.check_type, "character varying(20)", "int(1) DEFAULT now()"),
        (sql_text.check_type, "timestamp(3) with time zone[]", "text; DROP TABLE x"),
        (sql_text.check_type, 'public."My (odd) Type"[]', 'public."open'),
        (sql_text.check_type, "interval day to second(3)", "int -- x"),
        (sql_text.check_type, "public.geometry(Point,4326)", "int('x')"),
        (sql_text.check_type, '"char"', "a.b.c"),
        (sql_text.check_collation, 'pg_catalog."de-x-icu"', 'pg_catalog."C" NOT NULL'),
        (sql_text.check_bound, "DEFAULT", "DEFAULT PARTITION BY LIST (a)"),
        (sql_text.check_bound, "FOR VALUES IN ('a', NULL, ')')", "FOR VALUES IN (1); SELECT (1)"),
        (
            sql_text.check_bound,
            "FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00:00+00')",
            "FOR VALUES FROM (1) TO (2)) x (",
        ),
        (sql_text.check_bound, "FOR VALUES IN (-1, 2.5, true)", "FOR VALUES IN (now())"),
        (sql_text.check_bound, "FOR VALUES IN (NULL)", "FOR VALUES IN ('x'::public.own)"),
        (
            sql_text.check_bound,
            "FOR VALUES WITH (modulus 4, remainder 0)",
            "FOR VALUES WITH (modulus 4)",
        ),
        (sql_text.check_partition_key, "RANGE (created_at, lower(name))", "RANGE a"),
        (sql_text.check_key, "UNIQUE (a, b) DEFERRABLE", "CHECK (true)"),
        (sql_text.check_key, "EXCLUDE USING gist (r WITH &&) WHERE ((a > 0))", "UNIQUE (a); x"),
        (sql_text.check_definition, "CHECK ((a > 0)) NO INHERIT", "CHECK (a > 0) OR (true)"),
        (sql_text.check_definition, "CHECK ((a > 0)) NOT VALID", "FOREIGN KEY (a) REFERENCES b"),
    ],
)
def test_each_place_takes_its_own(check: Callable[[str, str], str], good: str, bad: str) -> None:
    assert check(good, "here") == good
    with pytest.raises(ConfigError):
        check(bad, "here")


def test_calls_are_found_and_text_is_none() -> None:
    text = """(lower("f(x)") || public."Own F"(b) || 'not(this)'::text || "schema".f (a)
        || ((c)::numeric(10,2))::text)"""

    assert list(calls_of(text)) == [
        Call(None, "lower"),
        Call("public", "Own F"),
        Call("schema", "f"),
        Call(None, "numeric"),
    ]


def test_sequences_are_found_in_both_forms() -> None:
    text = """nextval('public."It''s"'::regclass) + nextval(('old.seq'::text)::regclass)"""

    assert sql_text.sequences_of(text) == ['public."It\'s"', "old.seq"]
