"""Review before publication: a snapshot on a branch of its own, merged on a git host."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program
from tests.fixtures.repositories import fsck, git

SEVEN = "data/customers/7.json"


@pytest.fixture
def host(data: Program, hooked: Path, tmp_path: Path) -> Path:
    """A git host that has the first snapshot."""
    bare = tmp_path / "host.git"
    git(tmp_path, "init", "-q", "--bare", str(bare))
    git(hooked, "remote", "add", "origin", str(bare))
    data.done("push")
    return bare


def change(shop: str, statement: str) -> None:
    """Changes rows."""
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute(statement.encode())


def pending(data: Program) -> int:
    """Counts pending rows."""
    return int(data.done("status", "-o", "json").json["pending"])


def merge_on_host(host: Path, *options: str) -> None:
    """Merges the branch under review as a git host does."""
    clone = host.parent / "reviewer"
    git(host.parent, "clone", "-q", str(host), str(clone))
    git(clone, "merge", "-q", *options, "origin/export/next")
    if "--squash" in options:
        git(clone, "commit", "-q", "-m", "squashed")
    git(clone, "push", "-q", "origin", "main")


@pytest.mark.parametrize("options", [["--ff-only"], ["--no-ff"]])
def test_merged_snapshot_is_acknowledged_by_the_next_export(
    data: Program, hooked: Path, host: Path, shop: str, options: list[str]
) -> None:
    change(shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    reviewed = data.done("export", "--branch", "export/next", "--push", "-o", "json").json
    merge_on_host(host, *options)
    waiting = pending(data)
    git(hooked, "pull", "-q", "--no-rebase", "origin", "main")

    nothing = data.done("export", "-o", "json").json

    assert reviewed["snapshot"]
    assert waiting == 1
    assert (nothing["snapshot"], pending(data)) == (None, 0)
    assert "Ada" in git(host, "show", f"main:{SEVEN}")
    fsck(hooked)


def test_export_goes_on_after_a_merge(data: Program, hooked: Path, host: Path, shop: str) -> None:
    change(shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    data.done("export", "--branch", "export/next", "--push")
    change(shop, "UPDATE shop.customers SET name = 'Eve' WHERE id = 8")
    merge_on_host(host, "--no-ff")
    git(hooked, "pull", "-q", "--no-rebase", "origin", "main")

    after = data.done("export", "--push", "-o", "json").json

    assert after["entities"]["customers"]["modified"] == 1
    assert pending(data) == 0
    assert git(host, "rev-parse", "main") == after["commit"]
    assert data.done("log", "-o", "json").json


def test_merge_of_a_branch_that_main_went_past_is_for_people_to_decide(
    data: Program, hooked: Path, host: Path, shop: str
) -> None:
    del host
    change(shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    data.done("export", "--branch", "export/next")
    change(shop, "UPDATE shop.customers SET name = 'Eve' WHERE id = 8")
    data.done("export")
    git(hooked, "merge", "-q", "--no-ff", "-s", "ours", "export/next")
    ours = data("export").code
    git(hooked, "reset", "-q", "--hard", "HEAD~")
    git(hooked, "switch", "-q", "export/next")
    git(hooked, "merge", "-q", "--no-ff", "--no-commit", "-s", "ours", "main")
    tree = git(hooked, "write-tree")
    git(hooked, "merge", "--abort")
    git(hooked, "switch", "-q", "main")
    merge = ["commit-tree", "-p", "main", "-p", "export/next", "-m", "theirs", tree]
    git(hooked, "reset", "-q", "--hard", git(hooked, *merge))

    stopped = data("export")

    assert ours == 0
    assert stopped.code == 6
    data.done("export", "--override", "edits")
    assert "Eve" in git(hooked, "show", "main:data/customers/8.json")


def test_merge_with_an_edit_of_people_is_still_theirs(
    data: Program, hooked: Path, host: Path, shop: str
) -> None:
    del host
    change(shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    data.done("export", "--branch", "export/next")
    git(hooked, "merge", "-q", "--no-ff", "--no-commit", "export/next")
    (hooked / SEVEN).write_text((hooked / SEVEN).read_text().replace("Ada", "Someone"))
    git(hooked, "commit", "-q", "-a", "-m", "merge with an edit")

    stopped = data("export")

    assert stopped.code == 6
    assert "merge with an edit" in stopped.err
