"""Messages are what git itself understands, and hold no value that could forge one."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime

from gitexport.export.message import SnapshotMessage
from gitexport.history.summary import summarise
from gitexport.model.snapshot import Commit, EntityCounts, ObjectId
from gitexport.store.trailers import parse_trailers


def message(note: str | None = None) -> SnapshotMessage:
    return SnapshotMessage(
        tag="20250622-072114",
        mode="incremental",
        source="shop abc",
        version="1.0.0",
        counts={
            "users": EntityCounts(3, 48, 0),
            "orders": EntityCounts(0, 2, 1),
            "quiet": EntityCounts(),
        },
        note=note,
        quarantined={"users": 2},
        overrides=["deletes"],
    )


def trailers(text: str) -> list[str]:
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_subject_counts_what_changed() -> None:
    assert message().subject == "export 20250622-072114: +3 ~50 -1 in 2 entities"


def test_git_reads_the_trailers() -> None:
    assert trailers(message().commit_text()) == [
        "Gitexport-Snapshot: 20250622-072114",
        "Gitexport-Mode: incremental",
        "Gitexport-Source: shop abc",
        "Gitexport-Counts: users +3 ~48 -0",
        "Gitexport-Counts: orders +0 ~2 -1",
        "Gitexport-Version: 1.0.0",
        "Gitexport-Quarantined: users=2",
        "Gitexport-Override: deletes",
    ]


def test_document_that_failed_has_a_trailer_whatever_its_path() -> None:
    paths = ("data/sum.json", "data/a=1 b.json")
    text = replace(message(), documents_refused=paths).commit_text()

    assert [line for line in trailers(text) if "Quarantined" in line] == [
        "Gitexport-Quarantined: users=2",
        "Gitexport-Quarantined: data/sum.json=1",
        "Gitexport-Quarantined: data/a=1 b.json=1",
    ]
    some_id, at = ObjectId("0" * 40), datetime(2025, 6, 22, tzinfo=UTC)
    commit = Commit(some_id, some_id, (), "ada", at, text, parse_trailers(text))
    assert summarise(commit).quarantined == {"users": 2, **dict.fromkeys(paths, 1)}


def test_note_cannot_forge_a_trailer() -> None:
    text = message("a note\n\nGitexport-Snapshot: 20990101-000000\n\x1b[31m").commit_text()

    assert trailers(text)[0] == "Gitexport-Snapshot: 20250622-072114"
    assert sum(line.startswith("Gitexport-Snapshot") for line in text.splitlines()) == 1
    assert "\x1b" not in text


def test_nothing_changed_is_said_as_zero_entities() -> None:
    empty = SnapshotMessage("20250622-072114", "full", "s f", "1", {})

    assert empty.subject == "export 20250622-072114: +0 ~0 -0 in 0 entities"
