"""A snapshot compared with the live database: exact, in one view, without a write."""

from __future__ import annotations

import re

import pytest

from gitexport.compare.selection import Selection
from gitexport.errors import ConfigError, DecisionNeededError
from gitexport.model.address import parse_address
from tests.fixtures.journey import Journey
from tests.integration.compare.comparing import CHANGES, changes, compared, comparer, kinds, written


def edit(journey: Journey, pattern: str, replacement: str) -> None:
    """Changes the configuration."""
    config = journey.path / "gitexport.toml"
    text, count = re.subn(pattern, replacement, config.read_text())
    assert count
    config.write_text(text)


def test_rows_compare_as_the_next_snapshot_would(journey: Journey) -> None:
    journey.sql(CHANGES)
    with comparer(journey) as comparing:
        live = comparing.compare("latest", "@database")
        found = changes(live)
        lines = written(live, "jsonl").splitlines()[1:-1]
    assert [live.target.name, live.target.commit, live.files] == ["@database", None, ()]
    journey.export()

    snapshots = compared(journey, "latest~1")
    assert found == changes(snapshots)
    assert lines == written(snapshots, "jsonl").splitlines()[1:-2], "but for the manifest"


def test_database_may_be_the_base(journey: Journey) -> None:
    journey.sql(CHANGES)
    with comparer(journey) as comparing:
        found = changes(comparing.compare("@database", "latest"))
    journey.export()

    assert found == changes(compared(journey, "latest", "latest~1"))


def test_nothing_is_written(journey: Journey) -> None:
    journey.sql(CHANGES)
    before = journey.connection.execute("SELECT string_agg(u::text || xmin, ',') FROM users u")
    versions = before.fetchone()
    files = {path: path.stat().st_mtime_ns for path in journey.path.rglob("*")}
    with comparer(journey) as comparing:
        changes(comparing.compare("latest", "@database"))

    after = journey.connection.execute("SELECT string_agg(u::text || xmin, ',') FROM users u")
    assert after.fetchone() == versions
    assert {path: path.stat().st_mtime_ns for path in journey.path.rglob("*")} == files
    assert journey.git("status", "--porcelain") == ""


def test_untracked_tables_and_read_only_roles_do(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    journey.done("untrack")
    journey.sql("CREATE ROLE reader; GRANT SELECT ON users, order_details TO reader")
    try:
        dsn = f"{journey.dsn} options='-c role=reader'"
        result = journey.run("compare", "latest", "@database", dsn=dsn)
    finally:
        journey.sql("DROP OWNED BY reader; DROP ROLE reader")
    assert result.code == 0, result.err
    assert result.out.startswith('~ users:42 (Ann)\n    ~ /name: "user 42" -> "Ann"\n')


def test_refused_rows_are_listed_with_the_reason(journey: Journey) -> None:
    journey.sql("ALTER TABLE users ADD COLUMN doc json")
    journey.sql("""UPDATE users SET doc = '{"a": 1, "a": 2}' WHERE id = 3""")
    edit(journey, r'(columns = \[\s*)"id"', r'\1"doc", "id"')
    with comparer(journey) as comparing:
        selection = Selection(only=(parse_address("users:3"),))
        (change,) = changes(comparing.compare("latest", "@database", selection))

    assert change.kind.value == "modified"
    assert change.reason is not None
    assert "twice" in change.reason
    assert change.fields == ()


def test_documents_of_another_layout_match_rows(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    config.write_text(
        config.read_text().replace('directory = "data/users"', 'directory = "people"')
    )
    journey.sql(CHANGES)
    with comparer(journey) as comparing:
        found = kinds(comparing.compare("latest", "@database"))

    assert len(found) == 5


def test_changed_type_of_the_key_still_matches(journey: Journey) -> None:
    journey.sql("ALTER TABLE users ALTER COLUMN id TYPE text")
    with comparer(journey) as comparing:
        found = changes(comparing.compare("latest", "@database"))

    assert {change.kind.value for change in found} == {"modified"}
    assert len(found) == 60
    assert {field.pointer for change in found for field in change.fields} == {"/id"}


def test_key_that_is_not_unique_is_refused(journey: Journey) -> None:
    edit(journey, r'"order_id",\s+"product_id"(?=\s*\]\s*\ncolumns)', '"order_id"')
    with comparer(journey) as comparing, pytest.raises(ConfigError, match="not unique"):
        comparing.compare("latest", "@database")


def test_two_rows_of_one_document_are_refused(journey: Journey) -> None:
    journey.sql("ALTER TABLE users DROP CONSTRAINT users_pkey")
    journey.sql("INSERT INTO users SELECT * FROM users WHERE id = 1")
    with comparer(journey) as comparing, pytest.raises(ConfigError, match="not unique"):
        comparing.compare("latest", "@database")


def test_sql_that_was_not_accepted_does_not_run(journey: Journey) -> None:
    journey.git("clone", "-q", str(journey.path), str(journey.path.parent / "clone"))
    journey.path = journey.path.parent / "clone"
    edit(journey, r'key = \["id"\]', 'key = ["id"]\nwhere = "id > 3"')
    journey.git("commit", "-q", "-a", "-m", "a filter")
    journey.git("clone", "-q", str(journey.path), str(journey.path.parent / "second"))
    journey.path = journey.path.parent / "second"
    with comparer(journey) as comparing, pytest.raises(DecisionNeededError):
        comparing.compare("latest", "@database")
