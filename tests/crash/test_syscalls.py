"""What an export asks of the system: in an order that is safe, and stopped at each call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.scene import CHANGED_BACK, CHANGES, Scene
from tests.crash.tracing import CALLS, Call, first, has_strace, run_traced, trace

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(not has_strace(), reason="strace is missing or may not trace"),
]

_PARTS = 2
_POINTS_EACH = 6
_KILLED = {-9, 137}
_REFUSED = {10, 7, 1, 71}


def sample(calls: list[Call], part: int) -> list[Call]:
    """Chooses calls all over a run; another choice for each part."""
    step = len(calls) // (_PARTS * _POINTS_EACH)
    return calls[step // 2 + part * step :: _PARTS * step]


def stop_at(scene: Scene, log: Path, call: Call, action: str) -> int:
    """Exports a change until a call, and then once more in peace; gives how the first ended."""
    inject = f"inject={call.name}:{action}:when={call.number}"
    code = run_traced(scene.bench, log, "-e", f"trace={','.join(CALLS)}", "-e", inject)
    scene.recover()
    changes = (CHANGED_BACK, CHANGES)[scene.bench.sql("SELECT 1 FROM users WHERE id = 99") == []]
    scene.bench.sql(changes)
    return code


def test_nothing_is_acknowledged_before_it_is_durable(scene: Scene, tmp_path: Path) -> None:
    scene.prepare()
    calls = trace(scene.bench, tmp_path / "log")

    pack = first(calls, "fsync", "/stage/", "/objects-")
    index = first(calls, "fsync", "/stage/", ".idx>", start=pack)
    keep = first(calls, "fsync", "/objects/pack/", ".keep>", start=index)
    placed = first(calls, "rename", "/stage/", ".pack", "/objects/pack/", start=keep)
    found = first(calls, "rename", "/stage/", ".idx", "/objects/pack/", start=placed)
    directory = first(calls, "fsync", "/objects/pack>", start=found)
    value = first(calls, "fsync", "/refs/heads/main.lock>", start=directory)
    branch = first(calls, "rename", "/refs/heads/main.lock", start=value)
    moved = first(calls, "fsync", "/refs/heads>", start=branch)
    tag = first(calls, "link rename", "/refs/tags/", ".lock", start=moved)
    tagged = first(calls, "fsync", "/refs/tags>", start=tag)
    released = first(calls, "unlink", ".keep", start=tagged)
    told = first(calls, "sendto", start=placed)
    files = first(calls, "renameat", "/data/", start=0)

    assert told > released
    assert files > first(calls, "sendto", "gitexport.ack")
    late = [call for call in calls[pack + 1 : released] if "/objects-" in call.arguments]
    assert {call.name for call in late} <= {"rename"}
    assert not any(call.name == "sendto" for call in calls[pack:released])


@pytest.mark.parametrize("part", range(_PARTS))
def test_killed_at_any_call_the_next_export_completes(
    scene: Scene, tmp_path: Path, part: int
) -> None:
    scene.prepare()
    calls = trace(scene.bench, tmp_path / "log")
    scene.bench.sql(CHANGED_BACK)

    points = sample(calls, part)
    codes = [stop_at(scene, tmp_path / "log", call, "signal=KILL") for call in points]

    assert len(points) >= _POINTS_EACH
    assert sum(code in _KILLED for code in codes) >= len(points) - 2, codes


@pytest.mark.soak
@pytest.mark.parametrize("name", CALLS)
def test_killed_at_every_call_the_next_export_completes(
    scene: Scene, tmp_path: Path, name: str
) -> None:
    scene.prepare()
    calls = [call for call in trace(scene.bench, tmp_path / "log") if call.name == name]
    scene.bench.sql(CHANGED_BACK)

    codes = [stop_at(scene, tmp_path / "log", call, "signal=KILL") for call in calls]

    assert sum(code in _KILLED for code in codes) >= len(codes) * 3 // 4, codes


@pytest.mark.soak
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EACCES"])
@pytest.mark.parametrize("name", ["write", "rename", "fsync", "mkdir", "link"])
def test_refused_at_every_call_the_next_export_completes(
    scene: Scene, tmp_path: Path, name: str, error: str
) -> None:
    scene.prepare()
    calls = [call for call in trace(scene.bench, tmp_path / "log") if call.name == name]
    scene.bench.sql(CHANGED_BACK)

    codes = [stop_at(scene, tmp_path / "log", call, f"error={error}") for call in calls]

    assert set(codes) <= {0, *_REFUSED}, codes
