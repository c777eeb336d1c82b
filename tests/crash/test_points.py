"""Every named point of a run, reached by a process that ends or fails there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitexport.errors import LockedError
from gitexport.model import faults
from gitexport.store import refs
from gitexport.store.journal import Journal
from tests.crash.exporter import RAISED
from tests.crash.invariants import assert_in_step
from tests.crash.scene import KILLED, Scene

pytestmark = pytest.mark.crash

_BARE = ["S3.end", "S5.installed", "S7.before", "S7.after", "S9.before", "S12.finished"]
_SEVERAL = ["S3.end", "S5.objects", "S5.installed", "S7.before", "S7.after", "S9.batch"]
_VISIBLE = faults.POINTS.index("S7.after")


def assert_stopped_at(scene: Scene, point: str, action: str, **options: object) -> None:
    code = scene.export(f"{point}:{action}", **options)
    if action == "kill":
        assert code == KILLED, scene.said()
    else:
        assert code in {10, RAISED}, scene.said()
        assert point in scene.said() or "no space left" in scene.said().lower()


def test_a_run_passes_through_every_point_in_order(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []
    monkeypatch.setattr(faults, "_FAULT", "nowhere:kill")
    monkeypatch.setattr(faults, "_strike", passed.append)

    scene.prepare(is_exported=False).bench.export()

    assert list(dict.fromkeys(passed)) == list(faults.POINTS)


@pytest.mark.parametrize("action", ["kill", "raise:ENOSPC"])
@pytest.mark.parametrize("point", faults.POINTS)
def test_the_next_export_completes_a_stopped_one(scene: Scene, point: str, action: str) -> None:
    scene.prepare()
    assert_stopped_at(scene, point, action)

    is_visible = faults.POINTS.index(point) >= _VISIBLE
    assert scene.bench.commits() == 1 + is_visible
    scene.recover()

    assert scene.bench.commits() == 2
    assert scene.bench.export().snapshot is None


@pytest.mark.parametrize("action", ["kill", "raise:ENOSPC"])
@pytest.mark.parametrize(
    "point", ["S4.check", "S5.installed", "S7.after", "S9.before", "S10.files"]
)
def test_the_next_export_completes_a_stopped_first_one(
    scene: Scene, point: str, action: str
) -> None:
    scene.prepare(is_exported=False)
    assert_stopped_at(scene, point, action)

    scene.recover()

    assert scene.bench.commits() == 1


@pytest.mark.parametrize("point", _BARE)
def test_the_next_export_completes_a_killed_one_in_a_bare_repository(
    bare_scene: Scene, point: str
) -> None:
    bare_scene.prepare()
    assert_stopped_at(bare_scene, point, "kill")

    bare_scene.recover()

    assert bare_scene.bench.commits() == 2


@pytest.mark.parametrize("point", _SEVERAL)
def test_the_next_export_completes_a_killed_one_with_two_processes(
    scene: Scene, point: str
) -> None:
    scene.prepare()
    assert_stopped_at(scene, point, "kill", workers=2)

    scene.recover()


def test_stopped_again_and_again_a_run_still_completes(scene: Scene) -> None:
    scene.prepare()

    for point in faults.POINTS:
        scene.export(f"{point}:kill")

    scene.recover()
    assert scene.bench.commits() == 2


def test_rows_that_changed_after_the_kill_come_with_the_next_export(scene: Scene) -> None:
    scene.prepare()
    assert_stopped_at(scene, "S9.before", "kill")
    scene.bench.sql("UPDATE users SET name = 'later' WHERE id = 8")

    scene.recover()

    assert scene.bench.commits() == 3


def test_killed_between_the_log_of_the_branch_and_the_branch(scene: Scene) -> None:
    # libgit2 writes in this order, and no named point lies between.
    scene.prepare()
    assert_stopped_at(scene, "S7.before", "kill")
    run = Journal(scene.bench.repository).last()
    assert run is not None
    old = refs.tip(scene.bench.repository, "main")
    logs = scene.bench.repository.gitdir / "logs"
    for log in (logs / "HEAD", logs / "refs/heads/main"):
        with log.open("a") as file:
            file.write(f"{old} {run.commits[-1]} A <a@example.org> 1767322000 +0000\texport\n")

    scene.recover()

    assert scene.bench.git("reflog", "show", "main").count("export") == 2


def test_killed_among_the_files_and_the_index_held_for_long(scene: Scene) -> None:
    scene.prepare()
    assert_stopped_at(scene, "S10.files", "kill")
    lock = scene.bench.repository.gitdir / "index.lock"
    # Older than the run: a person's.
    os.utime(lock, (0, 0))
    scene.bench.sql("UPDATE users SET name = 'later'; UPDATE names SET amount = 7")

    for _again in range(2):
        assert scene.export() == LockedError.exit_code, scene.said()
    lock.unlink()

    scene.recover()
    assert scene.bench.commits() == 3


def test_the_invariants_notice_what_they_are_for(scene: Scene) -> None:
    bench = scene.prepare().bench
    bench.export()
    assert_in_step(bench)
    bench.git("tag", "-d", bench.git("tag", "-l").split()[0])
    with pytest.raises(AssertionError):
        assert_in_step(bench)


def test_the_invariants_notice_a_lost_update(scene: Scene) -> None:
    bench = scene.prepare().bench
    bench.sql("SET gitexport.ack = '1'; UPDATE users SET json_exported = true; RESET gitexport.ack")
    bench.sql("DELETE FROM gitexport.tombstones")
    assert bench.pending("users") == 0
    with pytest.raises(AssertionError):
        assert_in_step(bench)


def test_the_branch_is_whole_at_every_point_of_a_run(scene: Scene, tmp_path: Path) -> None:
    del tmp_path
    scene.prepare()
    old = refs.tip(scene.bench.repository, "main")
    for point in faults.POINTS[:_VISIBLE]:
        scene.export(f"{point}:kill")
        assert refs.tip(scene.bench.repository, "main") == old
        scene.bench.git("fsck", "--strict", "--no-dangling")


def test_keep_file_that_was_never_filled_goes(scene: Scene) -> None:
    scene.prepare()
    assert_stopped_at(scene, "S5.sealed", "kill")
    run = Journal(scene.bench.repository).last()
    assert run is not None
    (scene.bench.repository.objects / "pack" / f"{run.packs[-1]}.keep").write_text("")

    scene.recover()


def test_half_written_files_of_a_run_that_died_while_it_ended_go(scene: Scene) -> None:
    scene.prepare()
    state = scene.bench.repository.state_dir
    for name in (".run.json.0a1b2c3d.tmp", ".state.json.0a1b2c3d.tmp"):
        (state / name).write_text("{")

    scene.recover()
