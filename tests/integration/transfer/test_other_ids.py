"""Between databases whose ids differ, rows are the same if what people know them by is."""

from __future__ import annotations

import pytest

from tests.fixtures.repositories import git
from tests.integration.transfer.conftest import Database, Transfer

CRM = """
CREATE TABLE countries (id serial PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE cities (id serial PRIMARY KEY, country_id integer NOT NULL REFERENCES countries,
    name text NOT NULL, UNIQUE (country_id, name));
CREATE TABLE people (id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text,
    city_id integer REFERENCES cities, boss_id integer REFERENCES people);
CREATE TABLE visits (person_id integer REFERENCES people, city_id integer REFERENCES cities,
    times integer, PRIMARY KEY (person_id, city_id));
CREATE TABLE notes (person_id integer, city_id integer, no integer, text text,
    PRIMARY KEY (person_id, city_id, no),
    FOREIGN KEY (person_id, city_id) REFERENCES visits DEFERRABLE)
"""
HERE = """
INSERT INTO countries VALUES (1, 'IT'), (2, 'FR'), (3, 'NO');
INSERT INTO cities VALUES (1, 1, 'Rome'), (2, 2, 'Nice'), (3, 3, 'Oslo'), (4, 1, 'Nice');
INSERT INTO people VALUES (1, 'ann', 'Ann', 1, 2), (2, 'bob', 'Bob', 2, NULL),
    (3, 'cy', 'Cy', 3, 1);
INSERT INTO visits VALUES (1, 2, 5), (2, 4, 1), (3, 3, 9);
INSERT INTO notes VALUES (1, 2, 1, 'sunny'), (3, 3, 1, 'cold')
"""
THERE = """
INSERT INTO countries VALUES (50, 'FR'), (51, 'IT'), (52, 'ES');
INSERT INTO cities VALUES (60, 50, 'Nice'), (61, 51, 'Rome'), (62, 52, 'Vigo');
INSERT INTO people VALUES (1, 'bob', 'Robert', 60, NULL), (2, 'zoe', 'Zoe', 62, 1);
INSERT INTO visits VALUES (2, 62, 3), (1, 62, 2)
"""
_VIEWS = {
    "cities": "SELECT n.code, c.name FROM cities c JOIN countries n ON n.id = c.country_id",
    "people": "SELECT p.email, p.name, c.name, b.email FROM people p"
    " LEFT JOIN cities c ON c.id = p.city_id LEFT JOIN people b ON b.id = p.boss_id",
    "visits": "SELECT p.email, n.code, c.name, v.times FROM visits v JOIN people p ON p.id ="
    " v.person_id JOIN cities c ON c.id = v.city_id JOIN countries n ON n.id = c.country_id",
    "notes": "SELECT p.email, c.name, t.no, t.text FROM notes t JOIN people p ON p.id ="
    " t.person_id JOIN cities c ON c.id = t.city_id",
}


def _seen(database: Database) -> dict[str, set[tuple[object, ...]]]:
    """Gives what people see: rows without ids, references as what they mean."""
    return {name: set(database.rows(query)) for name, query in _VIEWS.items()}


@pytest.fixture
def crm(transfer: Transfer) -> Transfer:
    """A snapshot, and a target with other ids for some of the same rows."""
    transfer.source.sql(CRM, HERE)
    transfer.target.sql(CRM, THERE)
    transfer.snapshot()
    return transfer


def test_rows_are_updated_and_inserted_under_ids_of_the_target(crm: Transfer) -> None:
    before = _seen(crm.target)

    report = crm.loaded("--mode", "upsert")

    seen = _seen(crm.target)
    assert all(rows <= seen[name] for name, rows in _seen(crm.source).items())
    kept = {name: before[name] - _seen(crm.source)[name] for name in before}
    kept["people"] -= {("bob", "Robert", "Nice", None)}
    assert all(rows <= seen[name] for name, rows in kept.items())
    assert report["entities"]["people"]["inserted"] == 2
    assert report["entities"]["people"]["updated"] == 1
    assert crm.target.value("SELECT id FROM people WHERE email = 'bob'") == 1
    assert crm.target.value("SELECT min(id) FROM people WHERE email IN ('ann', 'cy')") == 3


def test_a_mirror_makes_the_target_mean_the_same(crm: Transfer) -> None:
    crm.loaded("--mode", "mirror")

    assert _seen(crm.target) == _seen(crm.source)
    assert crm.target.value("SELECT id FROM countries WHERE code = 'FR'") == 50


def test_what_is_the_same_already_is_not_touched(crm: Transfer) -> None:
    crm.loaded("--mode", "mirror")

    report = crm.loaded("--mode", "mirror")

    entities = report["entities"].values()
    assert not any(e["inserted"] + e["updated"] + e["deleted"] for e in entities)


def test_the_id_map_tells_which_row_each_document_became(crm: Transfer) -> None:
    report = crm.loaded("--mode", "upsert", "--print-id-map", "--dry-run")

    found = {(m["entity"], *m["source"]): (m["target"], m["is_new"]) for m in report["id_map"]}
    assert found["countries", "2"] == (["50"], False)
    assert found["countries", "3"] == (["53"], True)
    assert found["people", "1"] == (["3"], True)
    assert found["notes", "1", "2", "1"] == (["3", "60", "1"], True)
    again = crm.loaded("--mode", "upsert", "--print-id-map")
    assert again["id_map"] == report["id_map"]
    done = crm.loaded("--mode", "upsert", "--print-id-map", "--dry-run")["id_map"]
    assert done == [{**pair, "is_new": False} for pair in report["id_map"]]


def test_rows_left_out_still_tell_what_references_mean(crm: Transfer) -> None:
    crm.loaded("--mode", "skip", "--only", "countries", "--only", "cities")

    crm.loaded("--mode", "upsert", "--only", "people")

    assert _seen(crm.source)["people"] <= _seen(crm.target)["people"]
    assert crm.target.value("SELECT count(*) FROM visits") == 2


def test_a_row_left_out_and_not_there_is_named(crm: Transfer) -> None:
    refused = crm.load("--mode", "upsert", "--only", "people")

    assert refused.code == 9
    assert "people:3 refers to cities:3, which neither the snapshot nor" in refused.err


def test_other_columns_can_be_chosen_to_recognise_rows(crm: Transfer) -> None:
    crm.target.sql("UPDATE people SET name = CASE email WHEN 'zoe' THEN 'Ann' ELSE 'Bob' END")

    crm.loaded("--mode", "upsert", "--match", "people=name")

    assert crm.target.rows("SELECT id, email FROM people WHERE name = 'Ann'") == [(2, "ann")]


def test_into_its_own_database_rows_are_recognised_by_keys(crm: Transfer) -> None:
    crm.source.sql("UPDATE people SET email = 'robert' WHERE id = 2")

    report = crm.plainly(
        "import", str(crm.path), "--dsn", crm.source.dsn, "--mode", "upsert", "--yes", "-o", "json"
    ).json()  # fmt: skip

    assert report["own"]
    assert crm.source.rows("SELECT id, email FROM people ORDER BY id")[1] == (2, "bob")


def test_a_clone_and_an_archive_bring_the_same(crm: Transfer) -> None:
    git(crm.path.parent, "clone", "--quiet", "--bare", str(crm.path), "public.git")
    url = f"file://{crm.path.parent}/public.git@latest"
    archive = crm.path.parent / "snapshot.tar.gz"
    assert crm.run("archive", "latest", "-f", str(archive)).code == 0
    plans = [
        crm.loaded("--mode", "upsert", "--dry-run", source=source)["entities"]
        for source in (str(crm.path), url, str(archive))
    ]

    assert plans[0] == plans[1] == plans[2]


def test_rows_of_a_tracked_target_are_pending_only_where_they_changed(crm: Transfer) -> None:
    other = crm.path.parent / "other"
    there = ("-C", str(other), "--dsn", crm.target.dsn)
    for command in ("init", "track", "export"):
        assert crm.plainly(*there, command, "-q").code == 0

    crm.loaded("--mode", "upsert")

    exported = crm.plainly(*there, "export", "-o", "json").json()["entities"]
    assert (exported["people"]["added"], exported["people"]["modified"]) == (2, 1)
    assert exported["people"]["unchanged"] == 0
    assert crm.target.value("SELECT count(*) FROM people WHERE json_exported") == 4


def test_a_refused_row_with_another_key_is_named_by_its_document(crm: Transfer) -> None:
    crm.target.sql("ALTER TABLE people ADD CONSTRAINT nobody CHECK (id = 0) NOT VALID")

    refused = crm.load("--mode", "upsert")

    assert refused.code == 9
    assert "people:1: the check 'nobody' of 'public.people' does not hold" in refused.err
    assert "where: data/people/" in refused.err
    assert "/1.json" in refused.err
