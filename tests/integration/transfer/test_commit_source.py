"""A snapshot in a data repository, as an import sees it: all of it, as it was then."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from gitexport.config.parse import parse_config
from gitexport.errors import CorruptRepositoryError, MachineError
from gitexport.store.revisions import resolve
from gitexport.transfer import commit_source
from gitexport.transfer.commit_source import CommitSource
from tests.fixtures.journey import Journey
from tests.fixtures.repositories import lose


@pytest.fixture(params=[1, 1_000_000], ids=["ahead", "here"], autouse=True)
def _read_ahead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has documents read by a process of their own, and by this one."""
    monkeypatch.setattr(commit_source, "_READ_AHEAD", request.param)
    monkeypatch.setattr(commit_source, "processors", lambda: 2)


def open_source(journey: Journey, rev: str = "latest") -> CommitSource:
    """Opens a snapshot with the configuration of that time."""
    text = journey.git("show", f"{rev if rev != 'latest' else 'main'}:gitexport.toml")
    commit = resolve(journey.repository, "main", rev)
    return CommitSource(journey.repository, parse_config(text.encode()), commit, str(journey.path))


def test_documents_are_those_of_git_with_their_keys(journey: Journey) -> None:
    source = open_source(journey)

    assert list(source.entities) == ["order_details", "users"]
    for entity, count in (("users", 60), ("order_details", 12)):
        documents = list(source.documents(entity))
        listed = journey.git("ls-tree", "-r", "--name-only", "main", f"data/{entity}").split()
        assert [document.path for document in documents] == listed
        assert len(documents) == count == source.entities[entity].stored.manifest.count
        for document in documents:
            blob = journey.git("rev-parse", f"main:{document.path}")
            assert journey.repository.read_blob(bytes.fromhex(blob)) == document.content
    assert {document.key for document in source.documents("order_details")} == {
        ("10248", str(number)) for number in range(1, 13)
    }


def test_description_is_that_of_the_snapshot(journey: Journey) -> None:
    first = journey.git("describe", "--tags", "main")
    journey.sql("ALTER TABLE users ADD COLUMN born date")
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"place"', '"place", "born"'))
    journey.export("--full")

    old, new = open_source(journey, first), open_source(journey)
    assert (old.snapshot, new.snapshot != first) == (first, True)
    assert old.entities["users"].published == ("id", "name", "place")
    assert new.entities["users"].published == ("id", "name", "place", "born")
    assert old.entities["users"].stored.relation.column("born") is None
    assert old.entities["users"].schema is None


def test_key_too_long_for_a_name_is_left_to_the_document(journey: Journey) -> None:
    journey.sql("CREATE TABLE words (word text PRIMARY KEY)")
    journey.sql("INSERT INTO words VALUES ('short'), (repeat('long', 100))")
    journey.done("init")
    journey.done("track")
    journey.export()

    keys = {document.key for document in open_source(journey).documents("words")}
    assert keys == {("short",), None}


def test_people_s_files_between_documents_are_none(journey: Journey) -> None:
    (journey.path / "data/users/README.md").write_text("ours\n")
    (journey.path / "data/users/notes.json").write_text("{}\n")
    journey.git("add", "-A")
    journey.git("commit", "-qm", "notes")
    commit = journey.git("rev-parse", "main")

    assert len(list(open_source(journey, commit).documents("users"))) == 60


def test_link_in_a_document_s_place_is_refused(journey: Journey) -> None:
    path = min((journey.path / "data/users").rglob("*.json"))
    path.unlink()
    path.symlink_to("/etc/passwd")
    journey.git("add", "-A")
    journey.git("commit", "-qm", "a link")
    commit = journey.git("rev-parse", "main")

    with pytest.raises(CorruptRepositoryError, match="is not a regular file"):
        list(open_source(journey, commit).documents("users"))


def test_damaged_document_is_named(journey: Journey, tmp_path: Path) -> None:
    source = open_source(journey)
    path = min((journey.path / "data/users").rglob("*.json"))
    blob = journey.git("rev-parse", f"main:{path.relative_to(journey.path)}")
    lose(journey.path, blob, tmp_path)

    with pytest.raises(CorruptRepositoryError, match=blob):
        list(source.documents("users"))


def test_reading_that_is_given_up_leaves_no_process(journey: Journey) -> None:
    documents = open_source(journey).documents("users")
    next(documents)
    del documents

    assert multiprocessing.active_children() == []


def test_reader_that_is_killed_is_noticed(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_source, "_READ_AHEAD", 1)
    many = "SELECT n, repeat('x', 900) FROM generate_series(100, 3000) n"
    journey.sql(f"INSERT INTO users (id, name) {many}")
    journey.export()
    documents = open_source(journey).documents("users")
    next(documents)
    (reader,) = multiprocessing.active_children()
    reader.kill()

    with pytest.raises(MachineError, match="was killed"):
        list(documents)
