"""The bytes, tree ids and commit ids of whole exports, which must never change by accident.

`make golden` writes them anew; the difference is then reviewed like code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gitexport.model.ports import SourceIdentity
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.workbench import Workbench

_HERE = Path(__file__).parent / "export"
_RENEW = bool(os.environ.get("RENEW_GOLDEN"))


class FixedSource(PostgresSource):
    """A source that calls itself the same wherever its cluster runs."""

    def identity(self) -> SourceIdentity:
        """Gives a fixed identity."""
        return SourceIdentity("golden", "0123456789abcdef")


@pytest.fixture
def people(workbench: Workbench) -> Workbench:
    bench = replace(workbench, source=FixedSource(workbench.dsn))
    bench.sql((_HERE / "people/input.sql").read_text())
    bench.add_entity(
        "people", *_columns(bench, "people"), shard="mod/1/1/1", label="name", natural_key=()
    )
    bench.add_entity("pairs", "a", "b", "note", key=("a", "b"), shard="hash/1/1")
    return bench


def test_documents_trees_and_commits_are_the_known_ones(people: Workbench) -> None:
    first = people.export()
    people.sql("UPDATE people SET score = 1.1 WHERE id = 1")
    people.sql("DELETE FROM pairs WHERE b = 3")
    second = people.export()

    ids = {
        "first": {"commit": first.commit, "tree": people.git("rev-parse", "HEAD~^{tree}")},
        "second": {"commit": second.commit, "tree": people.git("rev-parse", "HEAD^{tree}")},
        "tags": people.git("tag", "-l", "--format=%(refname:short) %(objectname)").splitlines(),
    }
    files = {
        path.relative_to(people.path).as_posix(): path.read_bytes()
        for directory in ("data", "relations")
        for path in sorted((people.path / directory).rglob("*"))
        if path.is_file()
    }
    files["manifest.json"] = (people.path / "manifest.json").read_bytes()
    expected = _HERE / "people/expected"
    if _RENEW:
        _write(expected, files, ids)
    assert files == {
        path.relative_to(expected).as_posix(): path.read_bytes()
        for path in sorted(expected.rglob("*"))
        if path.is_file()
    }
    assert ids == json.loads((_HERE / "people/ids.json").read_text())
    people.source.close()


def _columns(bench: Workbench, table: str) -> list[str]:
    rows = bench.sql(
        "SELECT attname::text FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
        f" AND attrelid = '{table}'::regclass ORDER BY attnum"
    )
    return [str(name) for (name,) in rows]


def _write(expected: Path, files: dict[str, bytes], ids: Mapping[str, object]) -> None:
    for path in expected.rglob("*"):
        if path.is_file():
            path.unlink()
    for name, content in files.items():
        (expected / name).parent.mkdir(parents=True, exist_ok=True)
        (expected / name).write_bytes(content)
    (expected.parent / "ids.json").write_text(json.dumps(ids, indent=2) + "\n")
