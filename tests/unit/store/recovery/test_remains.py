"""Recovery: objects, packs and files of a dead run go, a lost tag is made again, the rest stays."""

from __future__ import annotations

import pytest

from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs
from gitexport.store.recovery import recover, repairs_needed
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import fsck, git
from tests.fixtures.snapshots import FIRST, add_commit, snapshot_message, write_commit, write_tag
from tests.unit.store.recovery.dead_runs import HOUR, age, dead_run, repair


def test_nothing_to_recover_is_silent_and_changes_nothing(repository: DataRepository) -> None:
    assert repairs_needed(repository, "main") == []
    assert repair(repository) == []


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


def test_a_tag_is_made_again_while_somebody_collects_garbage(repository: DataRepository) -> None:
    git(repository.path, "repack", "-adq")
    pack = next((repository.objects / "pack").glob("*.pack"))
    pack.with_suffix(".keep").write_text("gitexport: until a ref reaches these objects\n")
    tip = refs.tip(repository, "main")
    assert tip is not None
    made = refs.tag_target(repository, FIRST)
    git(repository.path, "tag", "-d", FIRST)
    dead_run(repository, {pack.stem: tip})

    def make_tag(commit: Commit) -> ObjectId:
        tag = write_tag(repository, FIRST, commit.commit_id)
        git(repository.path, "gc", "-q", "--prune=now")
        return tag

    assert recover(repository, "main", make_tag) == [f"made the tag '{FIRST}' again"]

    assert git(repository.path, "rev-parse", f"refs/tags/{FIRST}") == made
    assert list((repository.objects / "pack").glob("*.keep")) == []
    fsck(repository.path)


def test_a_forged_snapshot_name_makes_no_tag(repository: DataRepository) -> None:
    add_commit(repository, snapshot_message("../../heads/main"), {"a": "2"})

    assert repair(repository) == []
