"""A database that is not there, goes away, or does not let the role do its work."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.faults.outside import CHANGE, Outside, script
from tests.fixtures.repositories import git

_TERMINATE = """
import psycopg
with psycopg.connect({dsn!r}, autocommit=True) as connection:
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name = 'gitexport' AND datname = current_database()")
"""


def test_server_that_is_gone_at_the_start(outside: Outside) -> None:
    tip = outside.tip()

    error = outside.failed(8, env={"GITEXPORT_DSN": "host=/nowhere dbname=x"})

    assert error["error"] == "cannot connect to the database: no server answers there"
    assert "PGHOST" in error["hint"]
    assert outside.tip() == tip
    outside.heal()


@pytest.mark.parametrize(
    ("point", "is_committed"),
    [("S3.begin", False), ("S9.before", True), ("S9.batch", True)],
)
def test_server_that_goes_away_in_mid_run(
    outside: Outside, tmp_path: Path, point: str, *, is_committed: bool
) -> None:
    tip = outside.tip()
    command = script(tmp_path / "terminate.py", _TERMINATE.format(dsn=outside.dsn))

    ended = outside.run("export", "-o", "json", env={"GITEXPORT_FAULT": f"{point}:exec:{command}"})

    assert ended.code == 8, ended.err
    assert "the connection to the database was lost" in ended.error["error"]
    assert (outside.tip() != tip) == is_committed
    assert outside.pending() == 5
    outside.heal()
    assert git(outside.path, "rev-list", "--count", f"{tip}..main") == "1"


def test_server_that_goes_away_beside_a_damaged_index(outside: Outside, tmp_path: Path) -> None:
    (outside.path / ".git/index").write_bytes(b"")
    command = script(tmp_path / "terminate.py", _TERMINATE.format(dsn=outside.dsn))

    ended = outside.run(
        "export", "-o", "json", env={"GITEXPORT_FAULT": f"S9.before:exec:{command}"}
    )

    assert ended.code == 7, ended.err
    assert "the connection to the database was lost" in ended.error["error"]
    assert "the working tree was not refreshed: " in ended.error["error"]
    assert "is made; its rows stay pending" in ended.error["where"]
    assert "gitexport doctor --repair" in ended.error["hint"]
    assert "run gitexport export again: it acknowledges them" in ended.error["hint"]
    assert outside.pending() == 5
    outside.run("doctor", "--repair")
    outside.heal()


def _role(outside: Outside, *grants: str) -> str:
    name = "role_" + outside.sql("SELECT md5(random()::text)")[0][0]
    outside.sql(f"CREATE ROLE {name} LOGIN")
    for grant in grants:
        outside.sql(grant.format(role=name))
    return make_conninfo(outside.dsn, user=name)


def _drop(outside: Outside, dsn: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["user"]
    outside.sql(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_role_that_may_not_make_triggers(outside: Outside) -> None:
    outside.run("untrack")
    dsn = _role(outside, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")

    ended = outside.run("track", "-o", "json", env={"GITEXPORT_DSN": dsn})

    assert ended.code == 8, ended.err
    said = json.dumps(ended.error)
    assert "GRANT" in said or "owner" in said
    assert "compare" in said
    _drop(outside, dsn)


def test_role_that_may_not_read(outside: Outside) -> None:
    dsn = _role(outside)

    error = outside.failed(8, env={"GITEXPORT_DSN": dsn})

    assert error["hint"]
    assert outside.pending() == 5
    _drop(outside, dsn)


def test_row_level_security_fails_instead_of_hiding_rows(outside: Outside) -> None:
    outside.sql("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    outside.sql("CREATE POLICY few ON users USING (id < 3)")
    dsn = _role(
        outside,
        "GRANT USAGE ON SCHEMA gitexport TO {role}",
        "GRANT ALL ON ALL TABLES IN SCHEMA gitexport TO {role}",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA gitexport TO {role}",
        "GRANT SELECT, UPDATE ON users, orders TO {role}",
    )
    tip = outside.tip()

    error = outside.failed(8, "--full", env={"GITEXPORT_DSN": dsn})

    assert "row-level security" in error["error"]
    assert "BYPASSRLS" in error["hint"]
    assert outside.tip() == tip
    outside.run("export")
    reset = outside.run("reset", "-o", "json", env={"GITEXPORT_DSN": dsn})
    assert reset.code == 8, reset.err
    assert "row-level security" in reset.error["error"]
    assert outside.pending() == 0
    _drop(outside, dsn)


def test_relation_that_vanished(outside: Outside) -> None:
    outside.sql("DROP TABLE orders")

    error = outside.failed(2)

    assert "orders" in error["error"]
    assert error["hint"]
    assert outside.pending() == 5


def test_key_column_that_vanished(outside: Outside) -> None:
    outside.sql("ALTER TABLE orders RENAME COLUMN id TO number")

    error = outside.failed(2)

    assert "'id'" in error["error"]
    assert "orders" in f"{error['error']} {error['where']}"


def test_key_that_is_not_unique(outside: Outside) -> None:
    config = outside.path / "gitexport.toml"
    text = config.read_text().replace('key = ["id"]\n', 'key = ["id"]\ntracking = "compare"\n')
    config.write_text(text)
    outside.sql("ALTER TABLE users DROP CONSTRAINT users_pkey")
    outside.sql("INSERT INTO users VALUES (7, 'twin', NULL)")
    tip = outside.tip()

    error = outside.failed(2)

    assert error["error"] == "the key of 'users' is not unique: two rows share one file"
    assert error["where"].endswith("7.json")
    assert outside.tip() == tip


def test_two_entities_on_one_path(outside: Outside) -> None:
    config = outside.path / "gitexport.toml"
    config.write_text(config.read_text().replace("data/orders", "data/users"))

    error = outside.failed(2)

    assert "data/users" in f"{error['error']} {error['where']}"
    assert "orders" in json.dumps(error)


def test_configuration_with_a_typo(outside: Outside) -> None:
    config = outside.path / "gitexport.toml"
    config.write_text(config.read_text().replace("relation =", "relatoin =", 1))

    error = outside.failed(2)

    assert error["where"].startswith("gitexport.toml:")
    assert error["hint"] == "did you mean 'relation'?"
    git(outside.path, "checkout", "gitexport.toml")
    outside.sql(CHANGE)
    outside.heal()
