"""`gitexport init`: from a catalog to a data repository."""

from __future__ import annotations

import stat
from pathlib import Path

import psycopg

from tests.cli.program import Program
from tests.fixtures.repositories import fsck, git


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
