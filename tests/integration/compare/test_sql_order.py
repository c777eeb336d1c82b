"""Scripts turn any state of a database into any other, whatever its constraints."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from psycopg.pq import TransactionStatus

from gitexport.canonical.check import canonical_json
from gitexport.compare.stored import StoredEntity
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.comparisons import Pair, compared, formatted, stored_relation

TABLES = """
CREATE TABLE groups (id int PRIMARY KEY, name text NOT NULL UNIQUE,
    parent_id int REFERENCES groups);
CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nick text UNIQUE,
    group_id int NOT NULL REFERENCES groups, boss_id int REFERENCES people,
    shout text GENERATED ALWAYS AS (upper(nick)) STORED);
CREATE TABLE seats (id serial PRIMARY KEY, place int NOT NULL UNIQUE DEFERRABLE);
CREATE TABLE badges (id int, place int, person_id int REFERENCES people ON DELETE CASCADE,
    PRIMARY KEY (id, place), UNIQUE (person_id, place));
-- Circles: nothing may be null; something may; the server waits.
CREATE TABLE hens (id int PRIMARY KEY, egg_id int NOT NULL);
CREATE TABLE eggs (id int PRIMARY KEY, hen_id int NOT NULL REFERENCES hens);
ALTER TABLE hens ADD FOREIGN KEY (egg_id) REFERENCES eggs;
CREATE TABLE clubs (id int PRIMARY KEY, chair_id int);
CREATE TABLE members (id int PRIMARY KEY, club_id int NOT NULL REFERENCES clubs);
ALTER TABLE clubs ADD FOREIGN KEY (chair_id) REFERENCES members;
CREATE TABLE keys (id int PRIMARY KEY, lock_id int NOT NULL);
CREATE TABLE locks (id int PRIMARY KEY, key_id int NOT NULL REFERENCES keys DEFERRABLE);
ALTER TABLE keys ADD FOREIGN KEY (lock_id) REFERENCES locks DEFERRABLE;
"""
KEYS = {
    "groups": ("id",),
    "people": ("id",),
    "badges": ("id", "place"),
    "seats": ("id",),
    "hens": ("id",),
    "eggs": ("id",),
    "clubs": ("id",),
    "members": ("id",),
    "keys": ("id",),
    "locks": ("id",),
}
State = dict[str, dict[tuple[str, ...], bytes]]


class Database:
    """The tables, put into states and read again."""

    def __init__(self, connection: psycopg.Connection, dsn: str) -> None:
        self.connection = connection
        connection.execute(TABLES.encode())
        source = PostgresSource(dsn)
        relations = {relation.name: relation for relation in source.catalog()}
        source.close()
        self.stored: dict[str, StoredEntity] = {
            name: stored_relation(name, relations[RelationName("public", name)], key)
            for name, key in KEYS.items()
        }

    def put(self, rows: dict[str, list[tuple[Any, ...]]]) -> State:
        """Replaces all rows, without a look at constraints; gives the documents."""
        if self.connection.info.transaction_status is not TransactionStatus.IDLE:
            self.connection.execute("ROLLBACK")
        self.connection.execute("SET session_replication_role = replica")
        self.connection.execute(f"TRUNCATE {', '.join(KEYS)}".encode())
        for name, values in rows.items():
            relation = self.stored[name].relation
            columns = ", ".join(c.name for c in relation.columns if c.generated is None)
            for row in values:
                marks = ", ".join(["%s"] * len(row))
                statement = f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE VALUES"
                self.connection.execute(f"{statement} ({marks})".encode(), row)
        self.connection.execute("SET session_replication_role = DEFAULT")
        return self.read()

    def read(self) -> State:
        """Gives all documents."""
        state: State = {}
        for name, key in KEYS.items():
            texts = ", ".join(f"{column}::text" for column in key)
            query = f"SELECT ARRAY[{texts}], row_to_json(t.*)::text FROM {name} t"
            found = self.connection.execute(query.encode()).fetchall()
            state[name] = {tuple(k): canonical_json(text.encode()) for k, text in found}
        return state

    def script(self, base: State, target: State) -> str:
        """Writes the SQL that turns one state into the other."""
        pairs = {
            name: [
                Pair(key, base[name].get(key), target[name].get(key))
                for key in sorted({*base[name], *target[name]})
                if base[name].get(key) != target[name].get(key)
            ]
            for name in KEYS
        }
        return formatted("sql", compared(pairs, self.stored))


@pytest.fixture
def tables(connection: psycopg.Connection, database: str) -> Database:
    """The tables, empty."""
    return Database(connection, database)


def some_rows(seed: int) -> dict[str, list[tuple[Any, ...]]]:
    """Makes a state that every constraint allows; small, so that states collide often."""
    pick = random.Random(seed)  # noqa: S311 - rows, no secrets

    def ids(least: int = 0) -> list[int]:
        return sorted(pick.sample(range(1, 6), pick.randint(least, 5)))

    def one(choices: list[int], *, may_be_null: bool = True) -> int | None:
        return pick.choice([*choices, None] if may_be_null else choices)

    groups, people = ids(1), ids()
    names, nicks = pick.sample("abcdef", 6), [*pick.sample("xyz", 3), None, None]
    hens, clubs, keys = ids(1), ids(1), ids(1)
    badges: dict[tuple[int, int], int | None] = {}
    for badge in ids():
        person, place = one(people), pick.randint(1, 2)
        if person is None or (person, place) not in [(p, key[1]) for key, p in badges.items()]:
            badges[badge, place] = person
    members = ids()
    return {
        "groups": [(i, names[i], one(groups)) for i in groups],
        "people": [(i, nicks[i - 1], one(groups, may_be_null=False), one(people)) for i in people],
        "badges": [(*key, person) for key, person in badges.items()],
        "seats": list(zip(ids(), pick.sample(range(1, 6), 5), strict=False)),
        "hens": [(i, one(hens, may_be_null=False)) for i in hens],
        "eggs": [(i, one(hens, may_be_null=False)) for i in hens],
        "clubs": [(i, one(members)) for i in clubs],
        "members": [(i, one(clubs, may_be_null=False)) for i in members],
        "keys": [(i, one(keys, may_be_null=False)) for i in keys],
        "locks": [(i, one(keys, may_be_null=False)) for i in keys],
    }


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_any_state_becomes_any_other(tables: Database, first: int, second: int) -> None:
    target = tables.put(some_rows(second))
    base = tables.put(some_rows(first))
    script = tables.script(base, target)
    assert tables.read() == base
    note(script)

    if "NOT POSSIBLE" in script:
        # Only names that cannot be null may go round, as no row can be without one meanwhile.
        assert "public.groups: no order was found for rows that exchange values of name" in script
        with pytest.raises(psycopg.errors.UniqueViolation):
            tables.connection.execute(script.encode())
        tables.connection.execute("ROLLBACK")
        assert tables.read() == base
    else:
        tables.connection.execute(script.encode())
        assert tables.read() == target


def test_nothing_to_do_is_no_transaction(tables: Database) -> None:
    state = tables.put(some_rows(1))

    script = tables.script(state, state)

    assert script.endswith("-- No row differs.\n")
    assert "BEGIN" not in script


def test_only_changed_columns_are_written(tables: Database) -> None:
    target = tables.put({"groups": [(1, "it's", None)], "people": [(1, "b", 1, None)]})
    base = tables.put({"groups": [(1, "a", None)], "people": [(1, "b", 1, None)]})

    script = tables.script(base, target)

    statements = [line for line in script.splitlines() if line.startswith("UPDATE")]
    assert statements == ['UPDATE "public"."groups" SET "name" = \'it\'\'s\' WHERE "id" = 1;']


def test_unique_value_goes_from_a_deleted_row_to_a_new_one(tables: Database) -> None:
    target = tables.put({"groups": [(2, "a", None)], "people": [(1, "x", 2, None)]})
    base = tables.put({"groups": [(1, "a", None)], "people": [(1, "y", 2, None)]})

    tables.connection.execute(tables.script(base, target).encode())

    assert tables.read() == target


def test_row_that_others_still_refer_to_goes_last(tables: Database) -> None:
    target = tables.put({"groups": [(2, "b", None)], "people": [(1, "x", 2, None)]})
    base = tables.put({"groups": [(1, "a", None)], "people": [(1, "x", 1, None)]})

    script = tables.script(base, target)
    tables.connection.execute(script.encode())

    assert tables.read() == target
    verbs = [line.split()[0] for line in script.splitlines() if '"public"' in line]
    assert verbs == ["INSERT", "UPDATE", "DELETE"]


def test_rows_exchange_a_unique_value_that_may_be_null_meanwhile(tables: Database) -> None:
    groups = [(1, "a", None)]
    people = [(1, "y", 1, None), (2, "z", 1, None), (3, "x", 1, None)]
    target = tables.put({"groups": groups, "people": people})
    base = tables.put(
        {"groups": groups, "people": [(1, "x", 1, None), (2, "y", 1, None), (3, "z", 1, None)]}
    )

    script = tables.script(base, target)
    tables.connection.execute(script.encode())

    assert tables.read() == target
    assert script.count('"nick" = NULL') == 1


def test_unique_value_of_a_row_that_goes_last_is_free_before(tables: Database) -> None:
    groups = [(1, "a", None)]
    target = tables.put({"groups": groups, "people": [(2, "b", 1, 3), (3, "x", 1, None)]})
    base = tables.put({"groups": groups, "people": [(1, "x", 1, None), (2, "b", 1, 1)]})

    tables.connection.execute(tables.script(base, target).encode())

    assert tables.read() == target


def test_exchange_that_no_order_allows_is_said_and_changes_nothing(tables: Database) -> None:
    target = tables.put({"groups": [(1, "b", None), (2, "a", None)]})
    base = tables.put({"groups": [(1, "a", None), (2, "b", None)]})

    script = tables.script(base, target)

    assert "-- NOT POSSIBLE: public.groups: no order was found" in script
    with pytest.raises(psycopg.errors.UniqueViolation):
        tables.connection.execute(script.encode())
    tables.connection.execute("ROLLBACK")
    assert tables.read() == base


def test_next_row_gets_a_value_that_is_free(tables: Database) -> None:
    target = tables.put(
        {"groups": [(1, "a", None)], "people": [(7, "x", 1, None)], "seats": [(9, 1)]}
    )
    base = tables.put({"groups": [(1, "a", None)]})

    tables.connection.execute(tables.script(base, target).encode())

    assert tables.read() == target
    tables.connection.execute("INSERT INTO people (nick, group_id) VALUES ('y', 1)")
    tables.connection.execute("INSERT INTO seats (place) VALUES (2)")
    assert {*tables.read()["people"]} == {("7",), ("8",)}
    assert {*tables.read()["seats"]} == {("9",), ("10",)}


def test_sequence_never_moves_back(tables: Database) -> None:
    tables.connection.execute("SELECT setval('seats_id_seq', 100)")
    target, base = tables.put({"seats": [(9, 1)]}), tables.put({})

    tables.connection.execute(tables.script(base, target).encode())

    row = tables.connection.execute("SELECT nextval('seats_id_seq')").fetchone()
    assert row == (101,)


@pytest.mark.parametrize(("action", "verbs"), [("CASCADE", "UU"), ("NO ACTION", "IUD")])
def test_changed_key_takes_those_along_that_refer_to_it(
    connection: psycopg.Connection, database: str, action: str, verbs: str
) -> None:
    connection.execute(
        "CREATE TABLE owners (id int PRIMARY KEY, name text);"
        "CREATE TABLE pets (id int PRIMARY KEY, owner_id int NOT NULL"
        f" REFERENCES owners ON UPDATE {action});"
        "INSERT INTO owners VALUES (1, 'a'); INSERT INTO pets VALUES (5, 1)".encode()
    )
    source = PostgresSource(database)
    stored = {
        relation.name.name: stored_relation(relation.name.name, relation, ("id",))
        for relation in source.catalog()
    }
    source.close()
    owner = Pair(("2",), b'{"id": 1, "name": "a"}', b'{"id": 2, "name": "a"}', old_key=("1",))
    pet = Pair(("5",), b'{"id": 5, "owner_id": 1}', b'{"id": 5, "owner_id": 2}')

    script = formatted("sql", compared({"owners": [owner], "pets": [pet]}, stored))
    connection.execute(script.encode())

    assert connection.execute("SELECT * FROM owners").fetchall() == [(2, "a")]
    assert connection.execute("SELECT * FROM pets").fetchall() == [(5, 2)]
    assert "".join(line[0] for line in script.splitlines() if '"public"' in line) == verbs
