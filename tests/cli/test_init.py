"""`gitexport init`: from a catalog to a data repository."""

from __future__ import annotations

import stat
from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program
from tests.fixtures.repositories import fsck, git

ZOO = """
CREATE SCHEMA "Zoo";
CREATE TABLE "Zoo"."Wild Animals" (
    "select" int, "Name ""x"" y" text NOT NULL, json_exported boolean,
    twice int GENERATED ALWAYS AS ("select" * 2) STORED, PRIMARY KEY ("select"));
CREATE TABLE "Zoo".customers (id int PRIMARY KEY, born date, card text);
INSERT INTO "Zoo".customers VALUES (1, now(), '4111 1111 1111 1111');
CREATE TABLE "Zoo".keyless (a int);
CREATE VIEW "Zoo".seen AS SELECT * FROM "Zoo".customers;
CREATE TABLE "Zoo".years (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE "Zoo".year1 PARTITION OF "Zoo".years FOR VALUES FROM (0) TO (10);
CREATE TABLE "Zoo".parent (id int PRIMARY KEY);
CREATE TABLE "Zoo".child () INHERITS ("Zoo".parent);
"""


@pytest.fixture
def zoo(database: str) -> str:
    """A database with relations of every kind."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(ZOO)
    return database


def test_repository_is_made_with_one_untagged_commit(
    program: Program, shop: str, repository_path: Path
) -> None:
    ended = program.done("init", repository_path, "--dsn", shop)

    assert ended.out.splitlines()[0].split() == [
        "entity", "relation", "key", "columns", "directory", "shard",
    ]  # fmt: skip
    assert ended.out.splitlines()[1].split() == [
        "customers", "shop.customers", "id", "3", "data/customers", "flat",
    ]  # fmt: skip
    assert git(repository_path, "rev-list", "--count", "HEAD") == "1"
    assert git(repository_path, "tag") == ""
    assert git(repository_path, "status", "--porcelain") == ""
    assert git(repository_path, "log", "-1", "--format=%an <%ae>") == (
        "Test Person <person@example.org>"
    )
    assert git(repository_path, "ls-files").splitlines() == [
        ".gitattributes", "README.md", "gitexport.toml", "manifest.json",
        "relations/customers.json", "relations/orders.json",
    ]  # fmt: skip
    assert git(repository_path, "check-attr", "text", "diff", "--", "data/orders/0/1.json") == (
        "data/orders/0/1.json: text: unset\ndata/orders/0/1.json: diff: gitexport"
    )
    fsck(repository_path)


def test_every_kind_of_relation_is_handled_or_refused_with_its_reason(
    program: Program, zoo: str, repository_path: Path
) -> None:
    made = program.done("init", repository_path, "--dsn", zoo, "-o", "json").json

    assert made["format"] == "gitexport.init/v1"
    entities = made["entities"]
    assert sorted(entities) == ["customers", "wild_animals", "years"]
    animals = entities["wild_animals"]
    assert animals["relation"] == '"Zoo"."Wild Animals"'
    assert animals["key"] == ["select"]
    assert animals["columns"] == ["select", 'Name "x" y', "twice"]
    assert sorted(made["incomplete"]) == ["keyless", "seen"]
    assert "cannot be restored" in made["incomplete"]["seen"]["notes"][0]
    assert sorted(made["refused"]) == ['"Zoo".child', '"Zoo".parent', '"Zoo".year1']
    relation = (repository_path / "relations" / "wild_animals.json").read_text()
    assert '"generated": "(\\"select\\" * 2)"' in relation
    assert "json_exported" not in relation


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


def test_second_run_adds_what_is_new_and_undoes_nothing(
    program: Program, shop: str, repository_path: Path
) -> None:
    program.done("init", repository_path, "--dsn", shop)
    config = repository_path / "gitexport.toml"
    head, _, orders = config.read_text().partition("[entities.orders]")
    # The person leaves one column and a whole entity out, and says why.
    edited = "# mine: no orders\n" + head.replace('    "email",\n', "")
    config.write_text(edited)
    assert orders
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("CREATE TABLE shop.fresh (id int PRIMARY KEY)")

    made = program.done("init", repository_path, "--dsn", shop, "-o", "json").json
    again = program.done("init", repository_path, "--dsn", shop, "-o", "json").json

    assert list(made["entities"]) == ["fresh"]
    text = config.read_text()
    assert text.startswith(edited)
    assert "[entities.orders]" not in text
    assert '"email"' not in text
    assert git(repository_path, "status", "--porcelain") == ""
    assert again["commit"] is None
    assert again["entities"] == {}


def test_table_that_was_left_out_comes_back_when_it_is_named(
    program: Program, shop: str, repository_path: Path
) -> None:
    program.done("init", repository_path, "--dsn", shop)
    config = repository_path / "gitexport.toml"
    config.write_text(config.read_text().partition("\n[entities.orders]")[0] + "\n")

    made = program.done("init", repository_path, "--dsn", shop, "--table", "orders", "-o", "json")

    assert list(made.json["entities"]) == ["orders"]


def test_repository_with_peoples_files_keeps_them(
    program: Program, shop: str, repository_path: Path
) -> None:
    repository_path.mkdir()
    git(repository_path, "init", "-q", "-b", "trunk")
    (repository_path / "README.md").write_text("mine\n")
    (repository_path / ".gitattributes").write_text("*.png binary\n")
    (repository_path / "data").mkdir()
    (repository_path / "data" / "orders").write_text("mine too\n")
    git(repository_path, "add", "-A")
    git(repository_path, "commit", "-q", "-m", "mine")
    (repository_path / "untracked").write_text("x\n")

    program.done("init", repository_path, "--dsn", shop)

    assert (repository_path / "README.md").read_text() == "mine\n"
    attributes = (repository_path / ".gitattributes").read_text()
    assert attributes.startswith("*.png binary\n")
    assert "/data/orders_2/** -text" in attributes
    config = (repository_path / "gitexport.toml").read_text()
    assert 'branch = "trunk"' in config
    assert 'directory = "data/orders_2"' in config
    assert git(repository_path, "status", "--porcelain") == "?? untracked"
    assert git(repository_path, "branch", "--show-current") == "trunk"


def test_files_that_are_not_tracked_yet_are_joined(
    program: Program, shop: str, repository_path: Path
) -> None:
    repository_path.mkdir()
    git(repository_path, "init", "-q", "-b", "main")
    (repository_path / "README.md").write_text("mine\n")
    (repository_path / ".gitattributes").write_text("*.png binary")

    program.done("init", repository_path, "--dsn", shop)

    assert (repository_path / ".gitattributes").read_text().startswith("*.png binary\n# What")
    assert git(repository_path, "status", "--porcelain") == "?? README.md"


def test_manifest_of_somebody_else_is_refused(
    program: Program, shop: str, repository_path: Path
) -> None:
    repository_path.mkdir()
    git(repository_path, "init", "-q")
    (repository_path / "manifest.json").write_text("{}\n")
    git(repository_path, "add", "-A")
    git(repository_path, "commit", "-q", "-m", "mine")

    ended = program("init", repository_path, "--dsn", shop)

    assert ended.code == 2
    assert "'manifest.json' is there already" in ended.err
    assert not (repository_path / "gitexport.toml").exists()


def test_no_data_repository_is_made_among_the_documents_of_another(
    program: Program, shop: str, repository_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.done("init", repository_path, "--dsn", shop)
    program.done("-C", repository_path, "--dsn", shop, "track")
    program.done("-C", repository_path, "--dsn", shop, "export")
    monkeypatch.chdir(repository_path / "data" / "customers")

    ended = program("init", "--dsn", shop, "-o", "json")
    monkeypatch.chdir(repository_path)
    named = [program("init", name, "--dsn", shop) for name in ("data", "data/customers/x")]

    assert ended.code == 2
    assert ended.error["error"].endswith(f"lies in the data repository '{repository_path}'")
    assert f"gitexport -C {repository_path} init" in ended.error["hint"]
    assert [end.code for end in named] == [2, 2]
    assert "keeps its own files" in named[0].err
    assert git(repository_path, "status", "--porcelain") == ""


def test_data_repository_is_made_in_another_where_a_person_names_the_place(
    program: Program, shop: str, repository_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.done("init", repository_path, "--dsn", shop)
    (repository_path / "other").mkdir()
    monkeypatch.chdir(repository_path / "other")

    program.done("init", ".", "--dsn", shop)
    program.done("init", "../../beside", "--dsn", shop)

    assert (repository_path / "other" / ".git").is_dir()


def test_directory_of_an_ordinary_git_repository_may_become_one(
    program: Program, shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")

    program.done("init", "--dsn", shop)

    assert (tmp_path / "inside" / "gitexport.toml").is_file()


def test_file_in_the_way_is_named(program: Program, shop: str, repository_path: Path) -> None:
    repository_path.write_text("mine\n")

    for place in (repository_path, repository_path / "below"):
        ended = program("init", place, "--dsn", shop)

        assert ended.code == 2
        assert f"'{place}' cannot be a directory: there is a file" in ended.err


def test_bare_repository(program: Program, shop: str, repository_path: Path) -> None:
    program.done("init", repository_path, "--dsn", shop, "--bare")
    again = program.done("-C", repository_path, "init", "--dsn", shop, "-o", "json").json

    assert git(repository_path, "rev-parse", "--is-bare-repository") == "true"
    assert "gitexport.toml" in git(repository_path, "ls-tree", "--name-only", "main")
    assert again["commit"] is None


def test_nothing_is_made_where_there_is_nothing_to_publish(
    program: Program, database: str, repository_path: Path
) -> None:
    ended = program("init", repository_path, "--dsn", database)

    assert ended.code == 2
    assert "there is nothing to publish" in ended.err
    assert not repository_path.exists()


def test_only_incomplete_entities_end_with_2_and_leave_the_file_to_complete(
    program: Program, database: str, repository_path: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE keyless (a int, b int)")

    ended = program("init", repository_path, "--dsn", database)

    assert ended.code == 2
    assert "no entity is complete yet" in ended.err
    assert "# [entities.keyless]" in (repository_path / "gitexport.toml").read_text()


def test_connection_string_is_remembered_for_this_clone_unless_it_holds_a_password(
    program: Program, shop: str, repository_path: Path
) -> None:
    program.done("init", repository_path, "--dsn", shop)

    local = repository_path / ".git" / "gitexport" / "local.toml"
    assert stat.S_IMODE(local.stat().st_mode) == 0o600
    program.done("-C", repository_path, "init")
    local.unlink()
    program.done("init", repository_path, "--dsn", f"{shop} password=hunter2")
    everything = [path for path in repository_path.rglob("*") if path.is_file()]
    assert not any(b"hunter2" in path.read_bytes() for path in everything)


def test_database_that_cannot_be_reached(program: Program, repository_path: Path) -> None:
    ended = program("init", repository_path, "--dsn", "host=/nowhere password=hunter2")

    assert ended.code == 8
    assert "hunter2" not in ended.err
    assert not repository_path.exists()


def test_table_that_does_not_exist(program: Program, shop: str, repository_path: Path) -> None:
    ended = program("init", repository_path, "--dsn", shop, "--table", "Orders")

    assert ended.code == 2
    assert "there is no relation 'Orders'" in ended.err
    assert not repository_path.exists()


def test_mistake_in_the_configuration_is_told_and_nothing_is_lost(
    program: Program, shop: str, repository_path: Path
) -> None:
    program.done("init", repository_path, "--dsn", shop)
    config = repository_path / "gitexport.toml"
    config.write_text(config.read_text().replace("[source]", "[sorce]"))
    before = config.read_text()

    ended = program("init", repository_path, "--dsn", shop, "-o", "json")

    assert ended.code == 2
    assert ended.error["error"] == "unknown key 'sorce'"
    assert ended.error["hint"] == "did you mean 'source'?"
    assert config.read_text() == before


def test_tables_that_take_no_flag_are_tracked_without_one(
    program: Program, database: str, repository_path: Path
) -> None:
    columns = ", ".join(f"c{number} boolean" for number in range(1599))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TYPE pair AS (a int, b text)")
        connection.execute("CREATE TABLE typed OF pair (PRIMARY KEY (a))")
        connection.execute(f"CREATE TABLE full_up (id int PRIMARY KEY, {columns})".encode())
        connection.execute(
            "CREATE TABLE computed (id int PRIMARY KEY,"
            " json_exported boolean GENERATED ALWAYS AS (id > 1) STORED)"
        )
        for table in ("typed (a)", "full_up (id)", "computed (id)"):
            connection.execute(f"INSERT INTO {table} VALUES (1)".encode())

    made = program.done("init", repository_path, "--dsn", database)
    shared = ("-C", repository_path, "--dsn", database)
    program.done("track", *shared)
    first = program.done("export", *shared, "-o", "json").json
    again = program.done("export", *shared, "-o", "json").json

    assert "typed table" in made.err
    config = (repository_path / "gitexport.toml").read_text()
    assert config.count('tracking = "table"') == 2
    assert 'flag = "gitexport_exported"' in config
    assert {counts["added"] for counts in first["entities"].values()} == {1}
    assert again["snapshot"] is None
