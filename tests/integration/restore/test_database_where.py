"""Restores across rows that left the filter of their entity: they are there, and come back."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.journey import Journey
from tests.integration.restore.restoring import assert_untouched, latest, restore, rows, state

# Named like an alias of ours.
SOFT = """
CREATE TABLE s (id int PRIMARY KEY, v text, deleted bool NOT NULL DEFAULT false,
    note text DEFAULT 'none', is_live bool GENERATED ALWAYS AS (NOT deleted) STORED);
INSERT INTO s VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')
"""


def soft(journey: Journey, *lines: str) -> str:
    """Makes a table whose rows are deleted by a mark, and a snapshot of it; gives its tag."""
    journey.sql(SOFT)
    journey.done("init")
    config = journey.path / "gitexport.toml"
    head = "[entities.s]"
    config.write_text(config.read_text().replace(head, "\n".join((head, *lines))))
    journey.done("track")
    return journey.export()


def leave(journey: Journey) -> None:
    """Lets rows leave the filter, and changes others."""
    journey.sql("UPDATE s SET deleted = true, note = 'mine' WHERE id IN (1, 4)")
    journey.sql("UPDATE s SET v = 'later' WHERE id = 4; UPDATE s SET v = 'x' WHERE id = 2")
    journey.sql("DELETE FROM s WHERE id = 3")
    journey.export()


@pytest.mark.parametrize("tracking", ["flag", "table", "compare"])
@pytest.mark.parametrize("where", ["NOT deleted", "s.deleted IS FALSE -- soft", "is_live"])
def test_row_that_left_the_filter_is_updated(journey: Journey, where: str, tracking: str) -> None:
    first = soft(journey, f"where = '{where}'", f'tracking = "{tracking}"', 'exclude = ["note"]')
    before = rows(journey, "s")
    leave(journey)

    shown = journey.done("restore", first, "--database", "--dry-run", "-o", "json").json()
    told = journey.done("restore", first, "--database", "--dry-run").out
    result = restore(journey, first)

    assert result.code == 0, result.err
    assert shown["rows"] == result.json()["rows"]
    assert shown["rows"] == {"s": {"inserted": 1, "updated": 3, "deleted": 0}}
    assert "2 rows of 's' that its 'where' leaves out are overwritten" in told
    # What is not published is kept in rows that are there.
    journey.sql("UPDATE s SET note = 'none' WHERE note = 'mine'")
    assert rows(journey, "s") == before
    assert json.loads(journey.git("show", "main:data/s/4.json"))["v"] == "d"


def test_revert_and_single_documents_bring_it_back(journey: Journey) -> None:
    first = soft(journey, "where = 'NOT deleted'")
    before = rows(journey, "s")
    leave(journey)

    assert restore(journey, first, "--only", "s:4").json()["rows"] == {
        "s": {"inserted": 0, "updated": 1, "deleted": 0}
    }
    journey.done("revert", "latest", "--database", "--yes")
    found = journey.connection.execute("SELECT count(*) FROM s WHERE id = 4").fetchone()
    assert found == (0,)
    journey.done("restore", first, "--database", "--yes")
    journey.sql("UPDATE s SET note = 'none'")
    assert rows(journey, "s") == before


def test_filter_by_a_column_that_no_document_holds_is_refused_in_the_plan(journey: Journey) -> None:
    first = soft(journey, "where = 'NOT deleted'", 'exclude = ["deleted", "is_live"]')
    leave(journey)
    tag = latest(journey)
    before, there = state(journey), rows(journey, "s")

    shown = journey.run("restore", first, "--database", "--dry-run")
    result = restore(journey, first)

    for refused in (shown, result):
        assert refused.code == 9
        assert "the 'where' of 's' leaves rows out" in refused.err
        assert "s:1, s:4" in refused.err
    assert_untouched(journey, before, result)
    assert (latest(journey), rows(journey, "s")) == (tag, there)
    assert restore(journey, first, "--only", "s:2", "--only", "s:3").code == 0
    journey.sql("UPDATE s SET deleted = false")
    assert restore(journey, first).code == 0
