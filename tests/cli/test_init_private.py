"""`gitexport init` finds private data, and says how it is kept out."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.cli.program import Program


def test_private_columns_are_listed_with_the_line_to_remove(
    program: Program, zoo: str, repository_path: Path
) -> None:
    ended = program.done("init", repository_path, "--dsn", zoo)

    lines = (repository_path / "gitexport.toml").read_text().splitlines()
    number = lines.index('    "card",') + 1
    assert (
        "warning: column 'card' of 'customers' looks like a payment card or bank account "
        f'(by content): gitexport.toml:{number}: "card",' in ended.err
    )
    assert "column 'born' of 'customers' looks like a birth date (by name)" in ended.err
    assert "4111" not in ended.err + ended.out


def test_private_key_columns_are_listed_with_a_way_that_works(
    program: Program, database: str, repository_path: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("""
            CREATE TABLE people (email text PRIMARY KEY, number int NOT NULL UNIQUE, phone text);
            CREATE TABLE readers (email text PRIMARY KEY, name text);
        """)
    shared = ("-C", repository_path, "--dsn", database)

    ended = program.done("init", *shared)
    config = repository_path / "gitexport.toml"
    lines = config.read_text().splitlines()
    key, line = lines.index('key = ["email"]') + 1, lines.index('    "email",') + 1
    readers = lines.index("[entities.readers]")

    looks = "looks like an e-mail address (by name) and belongs to the key, so its values are file"
    assert (
        "warning: 3 columns look personal or secret; to keep one out of what is published, delete "
        "its line in gitexport.toml or do what is said of it before the first export:" in ended.err
    )
    assert (
        f"column 'email' of 'people' {looks} names, too: name another key, as "
        f'key = ["number"], in gitexport.toml:{key}, then delete gitexport.toml:{line}: "email",'
        in ended.err
    )
    assert f"column 'email' of 'readers' {looks} names, too: give readers another" in ended.err
    assert f"its section, which begins in gitexport.toml:{readers + 1}\n" in ended.err
    # Both ways, as they are told.
    lines[key - 1] = 'key = ["number"]'
    config.write_text("\n".join([*lines[: line - 1], *lines[line:readers]]) + "\n")
    program.done("track", *shared)
    program.done("export", "--allow-empty", *shared)


def test_key_column_that_is_not_published_is_told_with_the_ways_out(
    program: Program, shop: str, repository_path: Path
) -> None:
    shared = ("-C", repository_path, "--dsn", shop, "-o", "json")
    private = program.done("init", *shared).json["private"]
    config = repository_path / "gitexport.toml"
    config.write_text(config.read_text().replace('    "id",\n', "", 1))

    ended = program("track", *shared)

    assert [(one["column"], one["in_key"], one["other_key"]) for one in private] == [
        ("email", False, None)
    ]
    assert ended.code == 2
    assert ended.error["error"] == (
        "key column 'id' is not among the columns of entity 'customers'"
    )
    assert ended.error["hint"] == (
        "add 'id' to columns, for a document holds its key, and its file is named after it; to "
        "keep 'id' out, name another unique key without nulls in key, or leave the entity out by "
        "deleting [entities.customers]"
    )


def test_names_of_private_columns_tell_whatever_their_type_is_called(
    program: Program, database: str, repository_path: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("""
            CREATE EXTENSION citext;
            CREATE DOMAIN word AS varchar(60);
            CREATE DOMAIN secret AS word;
            CREATE DOMAIN day AS date;
            CREATE TABLE t (id int PRIMARY KEY, email citext, password secret, api_tokens word[],
                            birth_date day, note citext);
        """)

    made = program.done("init", repository_path, "--dsn", database, "-o", "json").json

    assert {found["column"]: found["looks_like"] for found in made["private"]} == {
        "email": "an e-mail address",
        "password": "a password",
        "api_tokens": "a secret or token",
        "birth_date": "a birth date",
    }


def test_private_data_inside_of_values_is_found_and_its_place_is_told(
    program: Program, database: str, repository_path: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("""
            CREATE TABLE t (id int PRIMARY KEY, a text[], b json, c jsonb, d jsonb, e jsonb,
                            f bigint[], g jsonb, h jsonb);
            INSERT INTO t SELECT n, ARRAY['4111111111111111'], '{"x": "4111111111111111"}',
                '{"x": [4111111111111111]}', '{"in": {"password": "hunter2"}, "x": "a"}',
                '"4111111111111111"', ARRAY[n, 4000000000000000 + n], '{"ann@example.org": 1}',
                jsonb_build_object('mobile', n, 'x', 4000000000000000 + n)
              FROM generate_series(1, 50) n;
        """)

    ended = program.done("init", repository_path, "--dsn", database)

    by_name = "like a password (by name)"
    mail = "like an e-mail address (by content)"
    card = "like a payment card or bank account (by content)"
    told = [line for line in ended.err.splitlines() if line.startswith("warning: column")]
    assert [line.partition(": gitexport")[0] for line in told] == [
        f"warning: column 'a' of 't' looks {card}",
        f"warning: column 'b' of 't' holds, in member 'x', what looks {card}",
        f"warning: column 'c' of 't' holds, in member 'x', what looks {card}",
        f"warning: column 'd' of 't' holds, in member 'password', what looks {by_name}",
        f"warning: column 'e' of 't' looks {card}",
        f"warning: column 'g' of 't' holds, in names of members, what looks {mail}",
    ]
    assert "hunter2" not in ended.err
    assert "ann@" not in ended.err
