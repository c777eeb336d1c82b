"""Going back behind commits that people made on documents."""

from __future__ import annotations

from tests.fixtures.journey import Journey
from tests.integration.restore.restoring import documents, manifest


def test_documents_that_a_person_removed_are_counted_once(journey: Journey, first: str) -> None:
    journey.git("rm", "-q", "-r", "data/users")
    journey.git("commit", "-q", "-m", "by hand")

    journey.done("restore", first)

    assert documents(journey) == documents(journey, first)
    assert manifest(journey) == manifest(journey, first)


def test_documents_that_a_person_edited_have_their_sizes(journey: Journey, first: str) -> None:
    (journey.path / "data/users/42.json").write_text('{"a": "longer than it was before"}\n')
    journey.git("commit", "-q", "-a", "-m", "by hand")

    journey.done("restore", first)

    assert manifest(journey) == manifest(journey, first)
