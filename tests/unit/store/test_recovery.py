"""Recovery: what a dead run left goes, what is somebody else's stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitexport.errors import DecisionNeededError
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import journal as journals
from gitexport.store import refs, stale_locks
from gitexport.store.journal import Journal, Run
from gitexport.store.recovery import recover, repairs_needed
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import fsck, git
from tests.fixtures.snapshots import (
    FIRST,
    add_commit,
    add_snapshot,
    snapshot_message,
    write_commit,
    write_tag,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def repository(repository_path: Path) -> DataRepository:
    repository = DataRepository.create(repository_path)
    add_snapshot(repository, FIRST, {"a": "1"})
    return repository


def repair(repository: DataRepository) -> list[str]:
    def make_tag(commit: Commit) -> ObjectId:
        assert commit.snapshot is not None
        return write_tag(repository, commit.snapshot, commit.commit_id)

    return recover(repository, "main", make_tag)


def dead_run(repository: DataRepository, packs: dict[str, ObjectId] | None = None) -> Run:
    """A run that began an hour ago, said last just now that it is alive, and was killed."""
    now = datetime.now(UTC)
    known = packs or {}
    names, commits = tuple(known), tuple(known.values())
    run = Run("dead", 1, journals.boot_id(), now - HOUR, now, names, commits)
    journals._write_json(repository.state_dir / "run.json", asdict(run))
    return run


def age(path: Path, by: timedelta) -> None:
    at = time.time() - by.total_seconds()
    os.utime(path, (at, at), follow_symlinks=False)


def lock_files(repository: DataRepository) -> list[Path]:
    return [
        repository.gitdir / "HEAD.lock",
        repository.gitdir / "index.lock",
        repository.gitdir / "packed-refs.lock",
        repository.gitdir / "refs" / "heads" / "main.lock",
        repository.gitdir / "refs" / "tags" / f"{FIRST}.lock",
    ]


def test_nothing_to_recover_is_silent_and_changes_nothing(repository: DataRepository) -> None:
    assert repairs_needed(repository, "main") == []
    assert repair(repository) == []


def test_lock_files_of_a_dead_run_are_removed(repository: DataRepository) -> None:
    dead_run(repository)
    locks = lock_files(repository)
    for lock in locks:
        lock.touch()

    repaired = repair(repository)

    assert len(repaired) == len(locks)
    assert not any(lock.exists() for lock in locks)


@pytest.mark.parametrize("age_of_lock", [timedelta(hours=2), timedelta(minutes=-5)])
def test_a_lock_file_from_outside_the_run_is_somebody_else_s(
    repository: DataRepository, age_of_lock: timedelta
) -> None:
    dead_run(repository)
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()
    age(lock, age_of_lock)

    with pytest.raises(DecisionNeededError) as caught:
        repair(repository)

    assert caught.value.where == str(lock)
    assert lock.exists()


def test_without_a_dead_run_no_lock_file_is_touched(repository: DataRepository) -> None:
    journal = Journal(repository)
    journal.begin()
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()
    journal.finish()

    assert repair(repository) == []
    assert lock.exists()


def test_a_person_s_locked_index_does_not_stop_recovery(repository: DataRepository) -> None:
    dead_run(repository)
    lock = repository.gitdir / "index.lock"
    lock.touch()
    age(lock, timedelta(hours=2))

    assert repair(repository) == []
    assert lock.exists()


def test_a_lock_file_stays_while_a_git_works_here(
    repository: DataRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead_run(repository)
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()
    monkeypatch.setattr(stale_locks, "_WAIT_FOR_GIT_SECONDS", 0.0)
    command = ["git", "-C", str(repository.path), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git_process:
        assert git_process.stdin is not None
        assert git_process.stdout is not None
        git_process.stdin.write(b"HEAD\n")
        git_process.stdin.flush()
        git_process.stdout.readline()
        try:
            assert git_process.pid in stale_locks.git_processes(repository)
            with pytest.raises(DecisionNeededError):
                repair(repository)
        finally:
            git_process.kill()

    assert lock.exists()
    assert len(repair(repository)) == 1


def test_a_restart_of_the_machine_ends_every_run(repository: DataRepository) -> None:
    booted = journals.booted_at()
    run = dead_run(repository)
    long_ago = replace(
        run, boot_id="another", started_at=booted - 3 * HOUR, touched_at=booted - 2 * HOUR
    )
    journals._write_json(repository.state_dir / "run.json", asdict(long_ago))
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()
    at = (booted - HOUR).timestamp()
    os.utime(lock, (at, at))

    assert len(repair(repository)) == 1


def test_empty_and_torn_objects_of_the_run_are_removed(repository: DataRepository) -> None:
    old = add_commit(repository, "old\n", {"a": "old"})
    kept = repository.objects / old[:2] / old[2:]
    age(kept, 2 * HOUR)
    dead_run(repository)
    broken = []
    for number, content in enumerate((b"", b"torn", None)):
        commit = write_commit(repository, f"{number}\n", {"a": f"x{number}"})
        path = repository.objects / commit[:2] / commit[2:]
        path.chmod(0o644)
        path.write_bytes(kept.read_bytes() if content is None else content)
        broken.append(path)

    repaired = repair(repository)

    assert len(repaired) == 3
    assert not any(path.exists() for path in broken)
    assert kept.exists()
    # The proof that it matters: the same content can be written again now.
    again = write_commit(repository, "0\n", {"a": "x0"})
    assert refs.read_commit(DataRepository.open(repository.path), again).subject == "0"
    git(repository.path, "fsck", "--strict")


def test_older_damage_is_left_for_people_to_see(repository: DataRepository) -> None:
    commit = write_commit(repository, "old\n", {"a": "old"})
    path = repository.objects / commit[:2] / commit[2:]
    path.chmod(0o644)
    path.write_bytes(b"")
    age(path, 2 * HOUR)
    dead_run(repository)

    assert repair(repository) == []
    assert path.exists()


def test_temporary_files_and_stages_of_the_run_go(repository: DataRepository) -> None:
    dead_run(repository)
    state = repository.state_dir
    (state / "stage" / "data").mkdir(parents=True)
    (state / "stage" / "data" / "1.json").touch()
    gone = [state / "objects-1", state / f"pack-{'1' * 40}.pack", state / ".run.json.ab.tmp"]
    gone.append(repository.objects / "tmp_object_git2_Ab12")
    kept = [state / "local.toml", state / "lock", state / "quarantine.jsonl", state / "run.json"]
    for path in gone + kept:
        path.touch()
    dead_run(repository)

    assert repair(repository) == []

    assert not any(path.exists() for path in gone)
    assert not (state / "stage").exists()
    assert all(path.exists() for path in kept)


def test_keep_files_of_ours_go_and_a_person_s_stay(repository: DataRepository) -> None:
    git(repository.path, "repack", "-adq")
    pack = next((repository.objects / "pack").glob("*.pack"))
    ours = pack.with_suffix(".keep")
    ours.write_text("gitexport: until a ref reaches these objects\n")
    theirs = pack.with_name(f"pack-{'2' * 40}.keep")
    theirs.write_text("my archive\n")

    repair(repository)

    assert not ours.exists()
    assert theirs.exists()
    fsck(repository.path)


@pytest.mark.parametrize("damage", ["no index", "empty", "torn"])
def test_an_unfinished_pack_of_the_run_goes(repository: DataRepository, damage: str) -> None:
    git(repository.path, "repack", "-adq")
    whole = next((repository.objects / "pack").glob("*.pack"))
    name = f"pack-{'3' * 40}"
    torn = whole.with_name(f"{name}.pack")
    content = whole.read_bytes()
    torn.write_bytes({"no index": content, "empty": b"", "torn": content[:-30]}[damage])
    if damage != "no index":
        torn.with_suffix(".idx").write_bytes(whole.with_suffix(".idx").read_bytes())
    tip = refs.tip(repository, "main")
    assert tip is not None
    dead_run(repository, {name: tip, whole.stem: tip})

    assert repair(repository) == [f"removed the unfinished pack '{name}'"]

    assert not torn.exists()
    assert whole.exists()
    fsck(repository.path)


def test_a_whole_pack_that_no_branch_reaches_goes(repository: DataRepository) -> None:
    git(repository.path, "repack", "-adq")
    kept = list((repository.objects / "pack").glob("*.pack"))
    lost = write_commit(repository, "lost\n", {"a": "lost"})
    stem = repository.objects / "pack" / "pack"
    name = f"pack-{git(repository.path, 'pack-objects', str(stem), stdin=lost)}"
    pack = repository.objects / "pack" / f"{name}.pack"
    dead_run(repository, {name: lost})
    assert pack.exists()

    repair(repository)

    assert list((repository.objects / "pack").glob("*.pack")) == kept
    git(repository.path, "fsck", "--strict")


def test_a_snapshot_without_its_tag_gets_it_again(repository: DataRepository) -> None:
    made = refs.tag_target(repository, FIRST)
    commit = refs.tip(repository, "main")
    git(repository.path, "tag", "-d", FIRST)
    add_commit(repository, "a person's commit\n", {"a": "2"})
    assert repairs_needed(repository, "main") == [f"the snapshot '{FIRST}' has no tag"]

    assert repair(repository) == [f"made the tag '{FIRST}' again"]

    assert refs.tag_target(repository, FIRST) == made
    assert refs.tagged_commit(repository, FIRST) == commit


def test_a_forged_snapshot_name_makes_no_tag(repository: DataRepository) -> None:
    add_commit(repository, snapshot_message("../../heads/main"), {"a": "2"})

    assert repair(repository) == []


_KILLED = """
import os, sys
from pathlib import Path
from gitexport.store.journal import Journal
from gitexport.store.lock import RepositoryLock
from gitexport.store.repository import DataRepository
repository = DataRepository.open(Path(sys.argv[1]))
RepositoryLock(repository).acquire()
journal = Journal(repository)
journal.begin()
journal.beat()
with repository.pygit().transaction() as transaction:
    transaction.lock_ref("refs/heads/main")
    os.kill(os.getpid(), 9)
"""


def test_a_run_killed_while_it_moves_the_branch_is_recovered(repository: DataRepository) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, str(repository.path)], check=False)
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    assert done.returncode == -9
    assert lock.exists()
    assert len(repairs_needed(repository, "main")) == 1

    assert len(repair(repository)) == 1

    assert not lock.exists()
    add_commit(repository, "goes on\n", {"a": "2"})
