"""Rows of one database are recognised in another by what they are, not by their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gitexport.canonical.value import canonical_value
from gitexport.errors import ConflictError
from gitexport.model.recognition import ForeignDocument, NativeDocument, RecognisedEntity
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.catalog import read_relations
from gitexport.source.postgresql.recognition.recogniser import PostgresRecogniser
from gitexport.source.postgresql.session import pin
from gitexport.transfer.identity import plan_identities

SHOP = """
CREATE TABLE countries (id serial PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE cities (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    country_id integer NOT NULL REFERENCES countries, name text, UNIQUE (country_id, name));
CREATE TABLE people (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text UNIQUE,
    city_id integer REFERENCES cities, boss_id uuid REFERENCES people);
CREATE TABLE folders (id serial PRIMARY KEY, parent_id integer REFERENCES folders,
    name text NOT NULL, UNIQUE (parent_id, name));
INSERT INTO countries VALUES (70, 'IT'), (71, 'FR');
INSERT INTO cities OVERRIDING SYSTEM VALUE VALUES (90, 71, 'Nice'), (91, 70, 'Rome');
INSERT INTO folders VALUES (50, NULL, 'root'), (51, 50, 'a'), (52, 51, 'b');
"""
_MATCH = {
    "countries": ("code",),
    "cities": ("country_id", "name"),
    "people": ("email",),
    "folders": ("parent_id", "name"),
}


class _Recognition:
    """A recogniser over the tables of `SHOP`."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], *, rehearses: bool) -> None:
        self.cursor = connection.cursor()
        pin(self.cursor)
        self.recogniser = PostgresRecogniser(self.cursor, is_rehearsal=rehearses)
        names = [RelationName("public", name) for name in _MATCH]
        relations = read_relations(self.cursor, names)
        self.entities = {
            entity.name: entity
            for entity in plan_identities(
                [
                    RecognisedEntity(
                        name,
                        relation,
                        ("id",),
                        tuple(column.name for column in relation.columns),
                        _MATCH[name],
                    )
                    for name, relation in ((found.name, relations[found]) for found in names)
                ]
            )
        }

    def take(self, name: str, *rows: dict[str, Any], written: bool = True) -> None:
        """Takes rows as documents and recognises them."""
        self.recogniser.take(
            self.entities[name],
            [
                ForeignDocument((str(row["id"]),), canonical_value(row), None, written)
                for row in rows
            ],
        )
        self.recogniser.recognise(self.entities[name])

    def documents(self, name: str) -> list[NativeDocument]:
        """Gives all documents that come out."""
        batches = self.recogniser.documents(self.entities[name])
        return [document for batch in batches for document in batch]

    def values(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        """Gives some members of the documents that come out."""
        found = [json.loads(native.document or b"") for native in self.documents(name)]
        return [tuple(document[column] for column in columns) for document in found]


@pytest.fixture
def shop(database: str) -> Iterator[_Recognition]:
    """A recogniser in an open transaction."""
    with psycopg.connect(database, autocommit=True) as people:
        people.execute(SHOP)
    with psycopg.connect(database) as connection:
        yield _Recognition(connection, rehearses=False)


def test_known_rows_keep_their_keys_and_references_follow(shop: _Recognition) -> None:
    shop.take("countries", {"id": 1, "code": "FR"}, {"id": 2, "code": "IT"})
    shop.take("cities", {"id": 1, "country_id": 2, "name": "Rome"})

    assert shop.values("countries", "id", "code") == [(71, "FR"), (70, "IT")]
    assert shop.values("cities", "id", "country_id", "name") == [(91, 70, "Rome")]
    assert [native.is_known for native in shop.documents("cities")] == [True]


def test_new_rows_get_keys_that_the_target_never_used(shop: _Recognition) -> None:
    shop.take("countries", {"id": 1, "code": "DE"}, {"id": 70, "code": "AT"})
    shop.take("cities", {"id": 91, "country_id": 70, "name": "Wien"})

    assert shop.values("countries", "id") == [(72,), (73,)]
    assert shop.values("cities", "id", "country_id") == [(92, 73)]
    assert list(shop.recogniser.pairs(shop.entities["cities"])) == [(("91",), ("92",), True)]


def test_a_table_without_rows_keeps_the_keys_of_the_documents(shop: _Recognition) -> None:
    boss = "00000000-0000-4000-8000-000000000001"
    worker = "00000000-0000-4000-8000-000000000002"
    shop.take("countries")
    shop.take("cities")
    shop.take(
        "people",
        {"id": worker, "email": "w@example.org", "city_id": None, "boss_id": boss},
        {"id": boss, "email": "b@example.org", "city_id": None, "boss_id": None},
    )

    assert shop.values("people", "id", "boss_id") == [(worker, boss), (boss, None)]


def test_rows_are_recognised_by_rows_of_their_own_entity(shop: _Recognition) -> None:
    shop.take(
        "folders",
        {"id": 3, "parent_id": 2, "name": "b"},
        {"id": 2, "parent_id": 1, "name": "a"},
        {"id": 1, "parent_id": None, "name": "root"},
        {"id": 4, "parent_id": 3, "name": "a"},
    )

    assert shop.values("folders", "id", "parent_id") == [(52, 51), (51, 50), (50, None), (53, 52)]


def test_rows_that_recognise_each_other_are_refused_by_name(shop: _Recognition) -> None:
    with pytest.raises(ConflictError, match="folders:1 is recognised by rows"):
        shop.take(
            "folders",
            {"id": 1, "parent_id": 2, "name": "a"},
            {"id": 2, "parent_id": 1, "name": "b"},
        )


def test_a_missing_parent_is_named_with_the_row_that_refers_to_it(shop: _Recognition) -> None:
    shop.take("countries", {"id": 1, "code": "FR"})
    shop.take("cities", {"id": 5, "country_id": 8, "name": "Oslo"})

    (found,) = shop.recogniser.dangling(shop.entities["cities"])

    assert (found.entity, found.key, found.reference) == ("cities", ("5",), ("8",))
    assert (found.target.name, found.columns) == ("countries", ("id",))


def test_a_row_only_looked_up_and_not_there_leaves_its_children_without_parent(
    shop: _Recognition,
) -> None:
    shop.take("countries", {"id": 1, "code": "FR"}, {"id": 2, "code": "NO"}, written=False)
    shop.take(
        "cities",
        {"id": 5, "country_id": 2, "name": "Oslo"},
        {"id": 6, "country_id": 1, "name": "Lyon"},
    )

    assert [found.key for found in shop.recogniser.dangling(shop.entities["cities"])] == [("5",)]
    assert shop.documents("countries") == []


def test_two_documents_alike_are_refused_by_name(shop: _Recognition) -> None:
    with pytest.raises(ConflictError, match="countries:1 and countries:2 have the same code"):
        shop.take("countries", {"id": 1, "code": "NO"}, {"id": 2, "code": "NO"})


def test_two_rows_alike_are_refused_by_name(shop: _Recognition) -> None:
    shop.cursor.execute("ALTER TABLE public.countries DROP CONSTRAINT countries_code_key")
    shop.cursor.execute("INSERT INTO public.countries VALUES (80, 'IT')")

    with pytest.raises(ConflictError, match="several rows of"):
        shop.take("countries", {"id": 1, "code": "IT"})


def test_rows_without_any_identifying_value_are_still_one(shop: _Recognition) -> None:
    shop.cursor.execute("INSERT INTO public.people (id) VALUES (gen_random_uuid())")
    shop.cursor.execute("SELECT id::text FROM public.people")
    (there,) = shop.cursor.fetchall()
    shop.take("countries")
    shop.take("cities")
    shop.take(
        "people",
        {"id": "x", "email": None, "city_id": None, "boss_id": None}
        | {"id": "00000000-0000-4000-8000-000000000001"},
    )

    assert shop.values("people", "id") == [there]


def test_what_changed_is_recognised_by_what_it_was(shop: _Recognition) -> None:
    before = canonical_value({"id": 1, "code": "IT"})
    after = canonical_value({"id": 1, "code": "ITA"})
    countries = shop.entities["countries"]
    shop.recogniser.take(countries, [ForeignDocument(("1",), after, before)], merges=True)
    shop.recogniser.recognise(countries)

    (native,) = shop.documents("countries")

    assert native.is_known
    assert json.loads(native.document or b"") == {"id": 70, "code": "ITA"}
    assert json.loads(native.base or b"") == {"id": 70, "code": "IT"}


def test_a_rehearsal_takes_nothing_from_sequences(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as people:
        people.execute(SHOP)
        with psycopg.connect(database) as connection:
            shop = _Recognition(connection, rehearses=True)
            shop.take("countries", {"id": 1, "code": "DE"})
            assert shop.values("countries", "id") == [(72,)]
        last = people.execute("SELECT last_value, is_called FROM countries_id_seq").fetchone()
        assert last == (1, False)


def test_values_of_any_text_come_through_unharmed(shop: _Recognition) -> None:
    hostile = 'tab\t \\ " \\N newline\n é \u2028 🐘'
    shop.take("countries", {"id": 7, "code": hostile})
    shop.take("cities", {"id": 8, "country_id": 7, "name": hostile})

    assert shop.values("cities", "country_id", "name") == [(72, hostile)]
