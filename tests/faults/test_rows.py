"""Rows that cannot be published fail alone, and nothing of a row can steer a terminal."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from tests.faults.outside import Outside
from tests.fixtures.memory import run_measured
from tests.fixtures.repositories import git

MEMORY_KB = 400_000


def test_names_and_labels_cannot_steer_a_terminal(outside: Outside) -> None:
    assert 'label = "name"' in (outside.path / "gitexport.toml").read_text()
    hostile = "\\x1b]0;owned\\x07\\x1b[31m[red]\\r\\n[/x]\\x9b\\u202egpj\\x01"
    outside.sql("CREATE TABLE names (name text PRIMARY KEY, at int)")
    outside.sql(f"INSERT INTO names VALUES (E'{hostile.replace('x9b', 'u009b')}', 1)")
    outside.sql(f"UPDATE users SET name = E'{hostile.replace('x9b', 'u009b')}' WHERE id = 7")
    assert outside.run("init").code == 0
    assert outside.run("track").code == 0

    ended = outside.run("export", "-v")

    assert ended.code == 0, ended.err
    assert "users:7" in ended.err
    shown = (ended.out + ended.err).replace("\n", "")
    assert [char for char in shown if unicodedata.category(char) in {"Cc", "Cf"}] == []
    assert "owned" not in git(outside.path, "log", "--format=%B")
    assert len(git(outside.path, "log", "-1", "--format=%B").split("Gitexport-Snapshot:")) == 2
    outside.heal()


def _export_measured(outside: Outside, directory: Path) -> tuple[int, dict[str, object], int]:
    command = outside.command("export", "-o", "json")
    done, memory = run_measured(command, outside.settings(), directory / "memory")
    return done.returncode, json.loads(done.stdout), memory


@pytest.mark.slow
def test_row_of_a_hundred_megabytes_fails_alone(outside: Outside, tmp_path: Path) -> None:
    outside.sql("UPDATE users SET note = repeat('0123456789', 10000000) WHERE id = 3")

    code, report, memory = _export_measured(outside, tmp_path)

    users = report["entities"]["users"]  # type: ignore[index]
    assert code == 3
    assert [row["key"] for row in users["quarantined"]] == [["3"]]
    assert users["modified"] == 4
    assert outside.pending() == 1
    assert memory < MEMORY_KB
    outside.sql("UPDATE users SET note = NULL WHERE id = 3")
    outside.heal()


@pytest.mark.soak
def test_row_whose_json_passes_a_gigabyte_fails_alone(outside: Outside, tmp_path: Path) -> None:
    outside.sql("UPDATE users SET note = repeat(chr(1), 200000000) WHERE id = 3")

    code, report, memory = _export_measured(outside, tmp_path)

    users = report["entities"]["users"]  # type: ignore[index]
    assert code == 3
    assert [row["key"] for row in users["quarantined"]] == [["3"]]
    assert users["modified"] == 4
    assert outside.pending() == 1
    assert memory < MEMORY_KB
    outside.sql("UPDATE users SET note = NULL WHERE id = 3")
    outside.heal()
