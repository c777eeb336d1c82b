"""The manifest says what a snapshot holds, whatever people's commits made of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gitexport.export.options import Override
from tests.fixtures.workbench import Workbench

EDITS = frozenset({Override.EDITS})


def stated(users: Workbench) -> tuple[int, int]:
    """Gives count and bytes as the last commit's manifest has them."""
    entity = json.loads(users.git("show", "HEAD:manifest.json"))["entities"]["users"]
    return entity["count"], entity["bytes"]


def held(users: Workbench) -> tuple[int, int]:
    """Counts the documents of the last commit, and adds up their sizes."""
    lines = users.git("ls-tree", "-r", "-l", "HEAD", "data/users").splitlines()
    return len(lines), sum(int(line.split()[3]) for line in lines)


def remove(users: Workbench) -> None:
    users.git("rm", "-q", "-r", "data/users")


def edit(users: Workbench) -> None:
    (users.path / "data/users/3.json").write_text('{"a": "longer than it was before"}\n')


def lie(users: Workbench) -> None:
    path = users.path / "manifest.json"
    path.write_text(path.read_text().replace('"count": 20', '"count": 7'))


def drop(users: Workbench) -> None:
    users.git("rm", "-q", "manifest.json")


@pytest.mark.parametrize("meddle", [remove, edit, lie, drop])
def test_documents_are_counted_anew_after_a_persons_commit(
    users: Workbench, meddle: Callable[[Workbench], None]
) -> None:
    users.export()
    meddle(users)
    users.git("commit", "-q", "-a", "-m", "by hand")

    users.export(overrides=EDITS)

    assert held(users)[0] == 20
    assert stated(users) == held(users)
    users.check()


def test_full_export_mends_a_manifest_that_is_wrong(users: Workbench) -> None:
    users.export()
    lie(users)
    users.git("commit", "-q", "-a", "--amend", "--no-edit")
    tip = users.git("rev-parse", "HEAD")
    users.sql(f"UPDATE gitexport.state SET tip = '{tip}'")

    report = users.export(full=True)

    assert report.snapshot is not None
    assert stated(users) == held(users)
    assert users.export(full=True).snapshot is None
    users.check()
