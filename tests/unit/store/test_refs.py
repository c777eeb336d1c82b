"""Refs: compare-and-swap of branches, tags that never move, commits as values."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitexport.errors import (
    CorruptRepositoryError,
    DecisionNeededError,
    HeadMovedError,
    UsageError,
)
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import FIRST, add_commit, add_snapshot, write_commit, write_tag

MISSING = ObjectId("1" * 40)


@pytest.fixture
def repository(repository_path: Path) -> DataRepository:
    return DataRepository.create(repository_path)


def test_a_branch_without_commits_has_no_tip(repository: DataRepository) -> None:
    assert refs.tip(repository, "main") is None


def test_moving_a_branch_leaves_a_log_of_branch_and_head(repository: DataRepository) -> None:
    commit = write_commit(repository, "one\n", {"a": "1"})

    refs.move_branch(repository, "main", None, commit, "export 20250101-000000")

    assert refs.tip(repository, "main") == commit
    for name in ("HEAD", "main"):
        assert "export 20250101-000000" in git(repository.path, "reflog", "show", name)


@pytest.mark.parametrize("bare", [False, True])
def test_a_branch_that_moved_meanwhile_is_left_alone(repository_path: Path, *, bare: bool) -> None:
    repository = DataRepository.create(repository_path, bare=bare)
    ours = write_commit(repository, "ours\n", {"a": "1"})
    theirs = write_commit(repository, "theirs\n", {"a": "2"})
    refs.move_branch(repository, "main", None, theirs, "theirs")

    for seen in (None, ours):
        with pytest.raises(HeadMovedError):
            refs.move_branch(repository, "main", seen, ours, "ours")

    assert refs.tip(repository, "main") == theirs
    assert "ours" not in git(repository.path, "reflog", "show", "main")


def test_one_of_many_racing_movers_wins(repository: DataRepository) -> None:
    start = add_commit(repository, "start\n", {"a": "0"})
    commits = [write_commit(repository, f"{n}\n", {"a": str(n)}, (start,)) for n in range(8)]
    won = []

    def race(commit: ObjectId) -> None:
        own = DataRepository.open(repository.path)
        try:
            refs.move_branch(own, "main", start, commit, "race")
        except (HeadMovedError, DecisionNeededError):
            return
        won.append(commit)

    threads = [threading.Thread(target=race, args=(commit,)) for commit in commits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won == [refs.tip(repository, "main")]


def test_a_branch_never_points_to_a_missing_commit(repository: DataRepository) -> None:
    with pytest.raises(CorruptRepositoryError) as caught:
        refs.move_branch(repository, "main", None, MISSING, "x")

    assert caught.value.where == MISSING
    assert refs.tip(repository, "main") is None


def test_a_locked_branch_names_the_lock_file(repository: DataRepository) -> None:
    commit = write_commit(repository, "one\n", {"a": "1"})
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()

    with pytest.raises(DecisionNeededError) as caught:
        refs.move_branch(repository, "main", None, commit, "x")

    assert caught.value.where == str(lock)
    assert lock.exists()


def test_a_lock_that_goes_away_is_waited_for(repository: DataRepository) -> None:
    commit = write_commit(repository, "one\n", {"a": "1"})
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()
    timer = threading.Timer(0.1, lock.unlink)
    timer.start()

    refs.move_branch(repository, "main", None, commit, "x")

    timer.join()
    assert refs.tip(repository, "main") == commit


def test_a_damaged_branch_is_named(repository: DataRepository) -> None:
    add_commit(repository, "one\n", {"a": "1"})
    (repository.gitdir / "refs" / "heads" / "main").write_text("")

    with pytest.raises(CorruptRepositoryError, match="refs/heads/main"):
        refs.tip(repository, "main")


@pytest.mark.parametrize("name", ["a..b", "", "x.lock", "a b"])
def test_names_that_are_no_branch_are_refused(repository: DataRepository, name: str) -> None:
    commit = write_commit(repository, "one\n", {"a": "1"})

    with pytest.raises(UsageError):
        refs.move_branch(repository, name, None, commit, "x")


def test_a_tag_is_made_once_and_never_moved(repository: DataRepository) -> None:
    commit = add_snapshot(repository, FIRST, {"a": "1"})
    made = refs.tag_target(repository, FIRST)
    assert made is not None
    other = write_commit(repository, "two\n", {"a": "2"})

    refs.create_tag_ref(repository, FIRST, made)
    with pytest.raises(DecisionNeededError):
        refs.create_tag_ref(repository, FIRST, write_tag(repository, FIRST, other))

    assert refs.tagged_commit(repository, FIRST) == commit
    assert git(repository.path, "rev-parse", FIRST) == made


def test_packed_refs_are_read_like_loose_ones(repository: DataRepository) -> None:
    commit = add_snapshot(repository, FIRST, {"a": "1"})
    git(repository.path, "pack-refs", "--all")

    assert refs.tip(repository, "main") == commit
    assert refs.tagged_commit(repository, FIRST) == commit
    assert refs.snapshot_tags(repository) == [FIRST]
    assert refs.tag_exists(repository, "20250101-000001") is False


def test_a_commit_reads_back_as_a_value(repository: DataRepository) -> None:
    first = add_snapshot(repository, FIRST, {"a": "1"})
    second = add_commit(repository, "subject ü\n\nSeen: by me\n", {"a": "2"})

    commit = refs.read_commit(repository, second)

    assert commit.parents == (first,)
    assert commit.subject == "subject ü"
    assert commit.author == "Test Person <person@example.org>"
    assert commit.trailers == (("Seen", "by me"),)
    assert commit.committed_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert commit.tree_id == git(repository.path, "rev-parse", "main^{tree}")


def test_a_missing_commit_is_named(repository: DataRepository) -> None:
    with pytest.raises(CorruptRepositoryError) as caught:
        refs.read_commit(repository, MISSING)

    assert caught.value.where == MISSING


def test_a_damaged_commit_is_named(repository: DataRepository) -> None:
    commit = add_commit(repository, "one\n", {"a": "1"})
    path = repository.objects / commit[:2] / commit[2:]
    path.chmod(0o644)
    path.write_bytes(b"")

    with pytest.raises(CorruptRepositoryError) as caught:
        refs.read_commit(DataRepository.open(repository.path), commit)

    assert caught.value.where == commit


def test_the_walk_follows_first_parents_only(repository: DataRepository) -> None:
    first = add_snapshot(repository, FIRST, {"a": "1"})
    side = write_commit(repository, "side\n", {"a": "3"}, (first,))
    second = add_commit(repository, "person\n", {"a": "2"})
    merge = write_commit(repository, "merge\n", {"a": "2"}, (second, side))

    walked = [commit.commit_id for commit in refs.first_parents(repository, merge)]

    assert walked == [merge, second, first]
    last = refs.last_snapshot(repository, merge)
    assert last is not None
    assert last.commit_id == first
    assert refs.is_ancestor(repository, side, merge)
    assert not refs.is_ancestor(repository, merge, side)
    assert not refs.is_ancestor(repository, MISSING, merge)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("export\n\nGitexport-Snapshot: 20250101-000000\n", "20250101-000000"),
        ("export\n\na: b\nGitexport-Snapshot: 20250101-000000\nc: d\n", "20250101-000000"),
        ("export\n \nGitexport-Snapshot: 20250101-000000\n", "20250101-000000"),
        ("export\n\nGitexport-Snapshot : 20250101-000000\n", None),
        ("export\n\nGitexport-Snapshot: 20250101-000000\n\nand more\n", None),
        ("export\n\nGitexport-Snapshot: 20250101-000000\nand more words\n", None),
        ("export\nGitexport-Snapshot: 20250101-000000\n", None),
        ("\n\nGitexport-Snapshot: 20250101-000000\n", None),
        ("export\n\nGitexport-Snapshot: x\nGitexport-Snapshot: 20250101-000000\n", None),
        ("export\n\nGitexport-Snapshot: 2025\n", None),
    ],
)
def test_quick_look_at_messages_finds_the_same_snapshots(
    repository: DataRepository, message: str, name: str | None
) -> None:
    commit = add_commit(repository, message, {"a": "1"})

    assert [found.snapshot for found in refs.snapshots(repository, commit)] == [name][: bool(name)]
    assert list(refs.snapshot_names(repository, commit)) == [(commit, name)][: bool(name)]
