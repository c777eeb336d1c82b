"""A document whose query fails is quarantined: snapshot, status and show say so."""

from __future__ import annotations

from tests.fixtures.journey import Journey

DOCUMENT = """
[documents."data/sum.json"]
query = "SELECT count(*) AS n, 1 / (count(*) - 61) AS x FROM public.users"
shape = "object"
"""


def _configure(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text() + DOCUMENT)


def test_snapshot_says_that_it_holds_an_old_document(journey: Journey) -> None:
    _configure(journey)
    journey.export()
    journey.sql("INSERT INTO users VALUES (61, 'one too many')")

    done = journey.run("export", "-o", "json")

    assert done.code == 3
    assert list(done.json()["documents_refused"]) == ["data/sum.json"]
    assert "'data/sum.json' kept its old content: the query failed" in done.err
    message = journey.git("log", "-1", "--format=%B")
    assert "Gitexport-Quarantined: data/sum.json=1" in message.splitlines()
    shown = journey.done("show", "latest", "-o", "json").json()
    assert shown["quarantined"] == {"data/sum.json": 1}
    assert "quarantined: data/sum.json 1" in journey.done("show", "latest").out
    status = journey.done("status", "-o", "json").json()
    assert (status["documents_refused"], status["pending"]) == (["data/sum.json"], 0)
    assert "quarantined:   data/sum.json could not be renewed" in journey.done("status").out
    assert journey.run("status", "--max-age", "0s").code == 1


def test_document_that_heals_is_told_no_more(journey: Journey) -> None:
    _configure(journey)
    journey.export()
    journey.sql("INSERT INTO users VALUES (61, 'one too many')")
    assert journey.run("export").code == 3
    again = journey.run("export", "-o", "json")
    assert (again.code, again.json()["snapshot"]) == (3, None)
    assert "nothing to commit: apart from 1 quarantined" in journey.run("export").out
    journey.sql("INSERT INTO users VALUES (62, 'and one more')")

    journey.export()

    assert "Quarantined" not in journey.git("log", "-1", "--format=%B")
    assert journey.done("status", "-o", "json").json()["documents_refused"] == []
    assert journey.run("status", "--max-age", "0s").code == 0


def test_document_that_never_was_kept_nothing(journey: Journey) -> None:
    journey.sql("INSERT INTO users VALUES (61, 'one too many')")
    _configure(journey)

    done = journey.run("export")

    assert done.code == 3
    assert "the document 'data/sum.json' was not made: the query failed" in done.err
    assert "kept its old content" not in done.err
