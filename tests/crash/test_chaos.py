"""Writers, killed exporters, a person and garbage collection at once lose nothing.

`CHAOS_SECONDS` says for how long (20 unless given), `CHAOS_SEED` repeats a storm's choices.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from gitexport.source.postgresql.source import PostgresSource
from gitexport.source.postgresql.tracking import acknowledge
from gitexport.store.repository import DataRepository
from tests.crash.exporter import RAISED
from tests.crash.invariants import assert_in_step
from tests.crash.scene import Exporter
from tests.crash.storm import TABLES, Storm, log_of
from tests.fixtures.workbench import Workbench

pytestmark = pytest.mark.crash

SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "20250622"))
# Done, another run or git at work, the database gone, killed.
_EXPECTED = {"exit 0", "exit 4", "exit 6", "exit 8", "exit -9"}


@pytest.fixture
def storm(workbench: Workbench, tmp_path: Path) -> Iterator[Storm]:
    exporters = [Exporter(tmp_path / f"exporter-{n}.log") for n in range(2)]
    made = Storm(workbench, exporters, SEED)
    made.prepare()
    yield made
    for exporter in exporters:
        exporter.close()


def quiet_export(storm: Storm) -> None:
    """Exports once in peace, on connections that nobody has cut."""
    with contextlib.closing(PostgresSource(storm.bench.dsn)) as source:
        repository = DataRepository.open(storm.bench.path)
        report = replace(storm.bench, repository=repository, source=source).export()
    assert report.exit_code == 0, (report.kept_edits, report.warnings, log_of(storm.exporters))
    storm.bench.repository.forget()


def sums_of_commits(path: Path) -> dict[str, int]:
    """Adds up the amounts of all documents of each commit."""
    handle = pygit2.Repository(str(path))
    known: dict[pygit2.Oid, int] = {}

    def total(entry: pygit2.Object) -> int:
        if entry.id not in known:
            known[entry.id] = (
                sum(total(below) for below in entry)
                if isinstance(entry, pygit2.Tree)
                else json.loads(entry.read_raw())["amount"]
            )
        return known[entry.id]

    commits = list(handle.walk(handle.head.target))
    return {str(commit.id): total(commit.tree["data"]) for commit in commits}


@pytest.mark.slow
def test_a_storm_loses_nothing(storm: Storm, capsys: pytest.CaptureFixture[str]) -> None:
    storm.rage(SECONDS)
    commits = storm.bench.commits()
    with capsys.disabled():
        summary = ", ".join(f"{name} {count}" for name, count in sorted(storm.ended.items()))
        print(f"\nstorm of {SECONDS:.0f} s, CHAOS_SEED={SEED}: {commits} commits, {summary}")  # noqa: T201

    assert storm.problems == []
    said = log_of(storm.exporters)
    assert {name for name in storm.ended if name.startswith("exit ")} <= _EXPECTED, said
    assert f"exit {RAISED}" not in storm.ended
    # How many there are depends on the machine; that there are is the point.
    assert commits > SECONDS / 4, said
    assert storm.ended["exit -9"] > 0
    quiet_export(storm)
    # The last note may have met a lock.
    storm.commit_note()
    assert set(sums_of_commits(storm.bench.path).values()) == {0}
    assert_in_step(storm.bench, is_shared=True)


def test_without_the_guard_on_versions_an_update_is_lost(
    storm: Storm, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = storm.bench
    bench.sql(f"UPDATE {TABLES[0]} SET amount = 1 WHERE id = 1")
    change = f"UPDATE {TABLES[0]} SET amount = 2 WHERE id = 1"
    bench.progress.hooks["acknowledging"] = lambda: bench.sql(change)
    # A block of its own: to undo everything would bring back what fixtures have put aside.
    with monkeypatch.context() as patched:
        patched.setattr(acknowledge, "guards_versions", False)
        bench.export()

    quiet_export(storm)

    assert bench.pending(TABLES[0]) == 0
    with pytest.raises(AssertionError):
        assert_in_step(bench)
    bench.sql(f"UPDATE {TABLES[0]} SET amount = amount WHERE id = 1")
    quiet_export(storm)
    assert_in_step(bench)


def test_with_the_guard_the_same_update_stays_pending(storm: Storm) -> None:
    bench = storm.bench
    bench.sql(f"UPDATE {TABLES[0]} SET amount = 1 WHERE id = 1")
    change = f"UPDATE {TABLES[0]} SET amount = 2 WHERE id = 1"
    bench.progress.hooks["acknowledging"] = lambda: bench.sql(change)
    bench.export()
    assert bench.pending(TABLES[0]) == 1

    quiet_export(storm)

    assert_in_step(bench)
