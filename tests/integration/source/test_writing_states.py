"""A database goes from any state to any other, whatever its rows hand to each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitexport.canonical.check import canonical_json
from gitexport.model.entity import Entity
from tests.integration.source.rewriting import Documents, compared, documents_of, make_like

TABLES = """
CREATE TABLE people (
  id int PRIMARY KEY, email text NOT NULL UNIQUE, nick text UNIQUE,
  place int NOT NULL UNIQUE {deferrable},
  boss int REFERENCES people ON DELETE SET NULL, home int {home});
CREATE TABLE houses (
  id int PRIMARY KEY, owner int NOT NULL REFERENCES people ON DELETE CASCADE, name text UNIQUE);
ALTER TABLE people ADD FOREIGN KEY (home) REFERENCES houses {deferrable};
CREATE TABLE tags (
  person int REFERENCES people {restrict}, tag text, mail text REFERENCES people (email),
  PRIMARY KEY (person, tag));
"""
KINDS = {
    "second pass": {"deferrable": "", "home": "", "restrict": ""},
    "one statement": {"deferrable": "", "home": "NOT NULL", "restrict": "ON DELETE RESTRICT"},
    "deferred": {"deferrable": "DEFERRABLE", "home": "NOT NULL", "restrict": "ON DELETE CASCADE"},
}
_IDS = st.integers(1, 5)
State = dict[str, list[dict[str, Any]]]


ENTITIES = (compared("people"), compared("houses"), compared("tags", ("person", "tag")))


@st.composite
def states(draw: st.DrawFn) -> State:
    """Draws rows between which every constraint holds."""
    people = sorted(draw(st.sets(_IDS, max_size=5)))
    houses = sorted(draw(st.sets(_IDS, min_size=1, max_size=5))) if people else []
    nicks = draw(st.permutations(["a", "b", "c", "d", None]))
    places = draw(st.permutations(range(5)))
    names = draw(st.permutations(["v", "w", "x", "y", "z"]))
    some_person = st.sampled_from(people) if people else st.none()
    people_rows = [
        {
            "id": number,
            # Others refer to it, so it may change, and yet cannot go to another row.
            "email": f"{number}{draw(st.sampled_from('ab'))}",
            "nick": nick,
            "place": place,
            "boss": draw(st.none() | some_person),
            "home": draw(st.sampled_from(houses)),
        }
        for number, nick, place in zip(people, nicks, places, strict=False)
    ]
    house_rows = [
        {"id": number, "owner": draw(some_person), "name": draw(st.sampled_from([None, name]))}
        for number, name in zip(houses, names, strict=False)
    ]
    pairs = draw(st.sets(st.tuples(some_person, st.sampled_from("st")), max_size=6))
    mails = st.sampled_from([None, *(row["email"] for row in people_rows)])
    tag_rows = [
        {"person": person, "tag": tag, "mail": draw(mails)} for person, tag in sorted(pairs)
    ] if people else []  # fmt: skip
    return {"people": people_rows, "houses": house_rows, "tags": tag_rows}


def documents(state: State) -> Mapping[Entity, Documents]:
    """Writes a state as the documents of an export."""
    return {
        found: {
            tuple(str(row[name]) for name in found.key): canonical_json(json.dumps(row).encode())
            for row in state[found.name]
        }
        for found in ENTITIES
    }


@pytest.fixture
def relations(connection: psycopg.Connection, request: pytest.FixtureRequest) -> None:
    """Makes the tables of one kind."""
    connection.execute(TABLES.format(**KINDS[request.param]).encode())


@settings(max_examples=10)
@given(first=states(), second=states())
@pytest.mark.parametrize("relations", KINDS, indirect=True)
@pytest.mark.usefixtures("relations")
def test_any_state_follows_any_other(database: str, first: State, second: State) -> None:
    for state in (first, second, first):
        wanted = documents(state)

        make_like(database, wanted)

        assert {found: documents_of(database, found) for found in ENTITIES} == wanted
