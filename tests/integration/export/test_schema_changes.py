"""Changes of relations and of the configuration are named and followed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gitexport.errors import ConfigError, KeyNotUniqueError, StatementFailedError
from gitexport.export.options import Override
from gitexport.model.entity import QueryDocument, Tracking
from tests.fixtures.workbench import Workbench

EDITS = frozenset({Override.EDITS})


def test_documents_are_renewed_when_their_entity_changes(users: Workbench) -> None:
    query = "SELECT id, name, :tag AS tag, :exported_at::text AS at FROM public.users ORDER BY id"
    document = QueryDocument("data/indexes/users.json", query, depends=("users",))
    broken = QueryDocument("data/indexes/broken.json", "SELECT 1/0", is_array=False)
    users.publication = replace(users.publication, documents=(document,))
    report = users.export()
    first = json.loads(users.files()["data/indexes/users.json"])
    assert first[0] == {"id": 1, "name": "user 1", "tag": report.snapshot, "at": first[0]["at"]}
    assert users.export().snapshot is None
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    users.publication = replace(users.publication, documents=(document, broken))

    report = users.export()

    assert json.loads(users.files()["data/indexes/users.json"])[0]["name"] == "x"
    assert report.exit_code == 3
    assert "data/indexes/broken.json" not in users.files()
    users.check()


def test_document_that_failed_is_tried_again_in_every_run(users: Workbench) -> None:
    query = "SELECT label FROM public.extras ORDER BY 1"
    late = QueryDocument("data/indexes/late.json", query, depends=("users",))
    users.publication = replace(users.publication, documents=(late,))
    assert [users.export().exit_code, users.export().exit_code] == [3, 3]
    users.sql("CREATE TABLE extras AS SELECT 'a' AS label")

    report = users.export()

    assert (report.exit_code, report.documents) == (0, ["data/indexes/late.json"])
    assert json.loads(users.files()["data/indexes/late.json"]) == [{"label": "a"}]
    assert users.export().snapshot is None
    users.check()


def test_documents_alone_make_no_snapshot_when_they_name_the_run(users: Workbench) -> None:
    named = QueryDocument("data/named.json", "SELECT :tag AS tag, count(*) AS n FROM public.users")
    plain = QueryDocument("data/plain.json", "SELECT count(*) AS n FROM pg_catalog.pg_authid")
    users.publication = replace(users.publication, documents=(named, plain))
    users.export()

    report = users.export(full=True)

    assert (report.snapshot, report.documents) == (None, [])
    users.check()


def test_new_column_is_named_and_not_published(users: Workbench) -> None:
    users.export()
    users.sql("ALTER TABLE users ADD COLUMN ssn text DEFAULT 'secret-canary'")

    report = users.export()

    assert report.schema_changes == [
        "users: column 'ssn' is new (not published: it is not named in columns)"
    ]
    assert "column 'ssn' is new" in users.git("log", "-1", "--format=%B")
    everything = users.git("log", "-p", "--all")
    assert "secret-canary" not in everything
    assert users.export().snapshot is None
    users.check()


def test_changed_type_reads_every_row_again(users: Workbench) -> None:
    users.export()
    users.sql("ALTER TABLE users ALTER COLUMN id TYPE numeric(10, 2)")
    users.sql("UPDATE users SET json_exported = json_exported")

    report = users.export(overrides=frozenset({Override.DELETES}))

    assert any("numeric(10,2)" in text for text in report.schema_changes)
    assert report.mode == "full"
    assert users.export().snapshot is None


@pytest.mark.parametrize("shard", ["flat", "hash/1"])
@pytest.mark.parametrize("types", [("numeric", "bigint"), ("bigint", "numeric")])
def test_documents_follow_a_key_that_becomes_an_integer_or_ceases_to_be_one(
    workbench: Workbench, types: tuple[str, str], shard: str
) -> None:
    before, after = types
    workbench.sql(f"CREATE TABLE dim (id {before} PRIMARY KEY, name text)")
    workbench.sql("INSERT INTO dim VALUES (-1, 'unknown'), (-2, 'none'), (1, 'a')")
    workbench.add_entity("dim", shard=shard)
    workbench.export()
    workbench.sql(f"ALTER TABLE dim ALTER COLUMN id TYPE {after}; DELETE FROM dim WHERE id = -2")

    report = workbench.export(with_details=True)

    assert (report.entities["dim"].added, report.entities["dim"].deleted) == (1, 2)
    assert sorted(report.details) == ["added dim:-1", "deleted dim:-1", "deleted dim:-2"]
    names = {path.rpartition("/")[2] for path in workbench.files()}
    assert names == {"1.json", "-1.json" if after == "bigint" else "=2d1.json"}
    assert json.loads(workbench.git("show", "HEAD:manifest.json"))["entities"]["dim"]["count"] == 2
    workbench.check()
    workbench.sql("DELETE FROM dim WHERE id = -1")
    workbench.export()
    assert [path.rpartition("/")[2] for path in workbench.files()] == ["1.json"]


def test_entity_that_is_no_longer_configured_keeps_its_files(users: Workbench) -> None:
    users.sql("CREATE TABLE pets (id int PRIMARY KEY, name text)")
    users.sql("INSERT INTO pets VALUES (1, 'cat')")
    users.add_entity("pets")
    users.export()
    users.publication = replace(users.publication, entities=users.publication.entities[:1])

    report = users.export()

    assert any("'pets' is no longer configured" in text for text in report.warnings)
    assert "data/pets/1.json" in users.files()


def test_lost_key_is_named_and_duplicates_are_refused(users: Workbench) -> None:
    users.export()
    users.sql("ALTER TABLE users DROP CONSTRAINT users_pkey")
    report = users.export()
    assert "users: no unique key of public.users covers (id) any more" in report.schema_changes
    before = users.files()
    users.sql("INSERT INTO users (id, name) VALUES (1, 'second')")

    with pytest.raises(KeyNotUniqueError):
        users.export()

    assert users.files() == before
    users.sql("DELETE FROM users WHERE name = 'second'; ALTER TABLE users ADD PRIMARY KEY (id)")
    users.export()
    assert users.files()["data/users/1.json"] == before["data/users/1.json"]
    assert users.export().warnings == []
    users.check()


def test_mistyped_column_is_refused_and_nothing_changes(users: Workbench) -> None:
    users.export()
    before = users.files()
    users.change_entity("users", columns=("id", "nmae"))

    with pytest.raises(ConfigError, match="'nmae'") as refused:
        users.export()

    assert refused.value.hint == "did you mean 'name'?"
    assert users.files() == before


def test_dropped_column_that_the_committed_configuration_names_stops_no_run(
    users: Workbench,
) -> None:
    text = b'[entities.users]\ncolumns = ["id", "name"]\n'
    users.publication = replace(users.publication, config_text=text)
    users.change_entity("users", columns=("id", "name"))
    users.export()
    users.sql("ALTER TABLE users DROP COLUMN name")

    assert users.export().entities["users"].modified == 20
    assert users.export().warnings == [
        "users: columns names 'name', which public.users does not have"
    ]


def test_what_the_configuration_publishes_is_named_when_it_changes(users: Workbench) -> None:
    users.sql("ALTER TABLE users ADD COLUMN mood text DEFAULT 'ok'")
    users.export()
    users.change_entity("users", columns=("id", "mood"))

    report = users.export()

    assert report.schema_changes == [
        "users: column 'mood' is published from now on",
        "users: column 'name' is published no longer",
    ]
    assert report.entities["users"].modified == 20
    assert users.export().snapshot is None


@pytest.mark.parametrize("change", ["DROP COLUMN name", "RENAME COLUMN name TO title"])
def test_label_that_is_gone_stops_no_run(users: Workbench, change: str) -> None:
    users.change_entity("users", columns=("id", "extra"), label="name")
    users.export()
    users.sql(f"ALTER TABLE users {change}")
    users.sql("INSERT INTO users VALUES (21)")

    report = users.export(with_details=True)

    assert (report.exit_code, report.details) == (0, ["added users:21"])
    (warning,) = report.warnings
    assert "users: label names 'name', which public.users does not have" in warning
    users.check()


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("nosuch > 1", 'column "nosuch" does not exist'),
        ("name = 7", "operator does not exist: text = integer"),
        ("100 / (id - 3) > 1", "division by zero"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_wrong_where_names_the_configuration(
    users: Workbench, where: str, words: str, *, is_first: bool
) -> None:
    if not is_first:
        users.export()
        users.sql("UPDATE users SET name = 'x' WHERE id = 3")
    users.change_entity("users", where=where)

    with pytest.raises(ConfigError, match="the 'where' of 'users' cannot be used: ") as caught:
        users.export()

    assert words in caught.value.message
    assert caught.value.where == "gitexport.toml: [entities.users] where"
    assert "condition on columns of public.users" in str(caught.value.hint)


def test_what_fails_inside_of_a_view_is_not_blamed_on_where(users: Workbench) -> None:
    users.sql("CREATE VIEW ratios AS SELECT id, 100 / (id - 3) AS name FROM users")
    users.add_entity("ratios", tracking=Tracking.COMPARE, where="name > 0")

    with pytest.raises(StatementFailedError, match="division by zero"):
        users.export()
