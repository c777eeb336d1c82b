"""A document that cannot become a row is named with its path, and nothing is kept."""

from __future__ import annotations

import json

import pytest

from tests.integration.transfer.conftest import TWENTY_USERS, USERS, Transfer


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"user 7"', '"\\ud800"'),
        ('"name"', '"na\\udfffme"'),
        ('"n": 7', '"n": "\\udc00\\ud800"'),
    ],
)
@pytest.mark.parametrize("match", [(), ("--match", "users=name"), ("--base", "")])
def test_half_of_a_surrogate_pair_is_named(
    users: Transfer, old: str, new: str, match: tuple[str, ...]
) -> None:
    base = users.git("tag").split()[0]
    source = users.edited("7.json", old, new)

    arguments = [argument or base for argument in match]
    refused = users.load("--mode", "upsert", *arguments, source=source)

    assert refused.code == 9, refused.err
    assert "users:7" in refused.err
    assert "data/users/7.json" in refused.err
    assert users.target.value("SELECT count(*) FROM users") == 0


def test_half_of_a_surrogate_pair_in_an_array_is_named(transfer: Transfer) -> None:
    table = "CREATE TABLE lists (id integer PRIMARY KEY, texts text[])"
    transfer.source.sql(table, "INSERT INTO lists VALUES (1, '{a,b}')")
    transfer.target.sql(table)
    transfer.snapshot()
    source = transfer.edited("1.json", '"b"', '"\\ud800"')

    refused = transfer.load("--mode", "upsert", source=source)

    assert refused.code == 9, refused.err
    assert "column 'texts' holds half of a surrogate pair" in refused.err
    assert "data/lists/0/1.json" in refused.err


def test_addresses_that_match_nothing_in_an_archive_are_refused(users: Transfer) -> None:
    archive = str(users.path.parent / "users.tar.gz")
    assert users.run("archive", "latest", "-f", archive).code == 0

    for address in ("users:999", "users:1,2", "users:9*9", "users:x"):
        refused = users.load("--mode", "upsert", "--only", address, source=archive)
        assert (refused.code, f"'{address}' matches no document" in refused.err) == (2, True)

    users.loaded("--mode", "upsert", "--only", "users:7", "--only", "users:1*", source=archive)
    assert users.target.value("SELECT count(*) FROM users") == 12


def test_an_address_may_match_what_is_not_in_the_snapshot_any_more(users: Transfer) -> None:
    base = users.git("tag").split()[0]
    users.loaded("--mode", "upsert")
    users.source.sql("DELETE FROM users WHERE id = 7")
    users.snapshot()
    users.target.sql("INSERT INTO users VALUES (99, 'only here')")

    def deleted(*arguments: str) -> int:
        report = users.loaded(*arguments, "--only", "users:1", "--match", "users=id")
        return int(report["entities"]["users"]["deleted"])

    assert users.load("--mode", "upsert", "--only", "users:7").code == 2
    assert deleted("--mode", "mirror", "--only", "users:99") == 1
    assert deleted("--mode", "mirror", "--only", "users:7*", "--base", base) == 1
    assert users.load("--mode", "mirror", "--only", "users:7").code == 2


def test_an_address_matches_documents_whose_names_are_too_short_for_their_keys(
    transfer: Transfer,
) -> None:
    table = "CREATE TABLE long (name text PRIMARY KEY)"
    transfer.source.sql(
        table, "INSERT INTO long SELECT repeat(c, 400) FROM unnest('{a,b}'::text[]) c"
    )
    transfer.target.sql(table)
    transfer.snapshot()

    assert transfer.load("--mode", "upsert", "--only", "long:c*").code == 2
    transfer.loaded("--mode", "upsert", "--only", "long:a*", "--only", f"long:{'b' * 400}")

    assert transfer.target.value("SELECT count(*) FROM long") == 2


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ("EXCLUDE USING gist (int4range(age, age + 1) WITH &&)", "excludes another row"),
        ("UNIQUE (age) DEFERRABLE INITIALLY DEFERRED", "has the same values"),
        ("EXCLUDE (age WITH =) INITIALLY DEFERRED", "excludes another row"),
    ],
)
def test_what_only_the_server_can_judge_names_document_and_path(
    users: Transfer, constraint: str, said: str
) -> None:
    users.target.sql(
        "INSERT INTO users VALUES (2, 'before', 102), (70, 'only here', 17)",
        f"ALTER TABLE users ADD CONSTRAINT apart {constraint}",
    )

    refused = users.load("--mode", "upsert", "-o", "json")

    error = json.loads(refused.err.splitlines()[-1])
    assert refused.code == error["code"] == 9
    assert error["error"].startswith("users:17: ")
    assert said in error["error"]
    assert "'apart'" in error["error"]
    assert error["where"] == "data/users/17.json"
    assert users.target.value("SELECT count(*) FROM users") == 2


@pytest.mark.parametrize("index", ["((age % 50))", "(age) WHERE age > 10"])
def test_an_index_on_expressions_or_some_of_the_rows_names_document_and_path(
    users: Transfer, index: str
) -> None:
    users.target.sql(
        "INSERT INTO users VALUES (70, 'only here', 17)",
        f"CREATE UNIQUE INDEX apart ON users {index}",
    )

    refused = users.load("--mode", "upsert")

    assert refused.code == 9
    assert "users:17: another row of 'public.users' has the same values" in refused.err
    assert "(constraint 'apart')" in refused.err
    assert "where: data/users/17.json" in refused.err


def test_a_row_without_a_partition_names_document_and_path(transfer: Transfer) -> None:
    transfer.source.sql(USERS, TWENTY_USERS)
    transfer.target.sql(
        USERS + " PARTITION BY RANGE (id)",
        "CREATE TABLE first PARTITION OF users FOR VALUES FROM (0) TO (17)",
    )
    transfer.snapshot()

    refused = transfer.load("--mode", "upsert")

    assert refused.code == 9
    assert "users:17: the row is outside of the bounds of 'public.users'" in refused.err
    assert "where: data/users/17.json" in refused.err


def test_a_skipped_document_is_not_the_one_that_is_named(users: Transfer) -> None:
    users.target.sql(
        "INSERT INTO users VALUES (3, 'before', 103), (70, 'only here', 3), (71, 'and here', 17)",
        "CREATE UNIQUE INDEX apart ON users (age)",
    )

    refused = users.load("--mode", "skip")

    assert refused.code == 9
    assert "users:17: another row of 'public.users' has the same values" in refused.err


def test_references_without_a_target_name_constraint_and_path(users: Transfer) -> None:
    users.target.sql(
        "CREATE TABLE ages (age integer PRIMARY KEY)",
        "INSERT INTO ages SELECT generate_series(1, 12)",
        "ALTER TABLE users ADD CONSTRAINT known FOREIGN KEY (age) REFERENCES ages",
    )

    refused = users.load("--mode", "upsert")

    assert refused.code == 9
    assert "users:13 refers to a row of 'public.ages' with age '13'" in refused.err
    assert "(constraint 'known'), and 7 more like it: users:14 refers to" in refused.err
    assert "where: data/users/13.json" in refused.err


def test_a_schema_that_the_snapshot_lacks_stops_before_anything_is_written(
    users: Transfer,
) -> None:
    users.configure("users", 'schema = "schemas/users.schema.json"')
    users.git("commit", "--quiet", "--all", "--message", "a schema that is not there")
    commit = users.git("rev-parse", "HEAD")

    refused = users.load("--mode", "upsert", source=f"{users.path}@{commit}")

    assert refused.code == 2
    assert (
        "the snapshot lacks 'schemas/users.schema.json', the JSON Schema of 'users'" in refused.err
    )
    assert "commit the file" in refused.err
    assert users.target.value("SELECT count(*) FROM users") == 0
