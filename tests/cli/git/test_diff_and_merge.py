"""`git diff` and `git merge` on documents: fields, not lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitexport.cli.main import main
from gitexport.compare.document_merge import CONFLICTS
from tests.cli.git.person import attempt, edit
from tests.cli.program import Program
from tests.fixtures.repositories import fsck, git

SEVEN = "data/customers/7.json"


def on_branch(path: Path, name: str, *edits: tuple[str, str, str]) -> None:
    """Makes a branch from the present one with one commit of some edits, and goes back."""
    here = git(path, "branch", "--show-current")
    git(path, "switch", "-q", "-c", name)
    for file, old, new in edits:
        edit(path / file, old, new)
    git(path, "commit", "-q", "-a", "-m", name)
    git(path, "switch", "-q", here)


def commit(path: Path, *edits: tuple[str, str, str]) -> None:
    """Makes one commit of some edits."""
    for file, old, new in edits:
        edit(path / file, old, new)
    git(path, "commit", "-q", "-a", "-m", "edit")


def test_diff_names_fields(hooked: Path) -> None:
    (order,) = hooked.rglob("orders/**/3.json")
    edit(order, '"b": 1', '"b": {"deep": 1.10}')
    git(hooked, "add", str(order))

    changed = [
        line
        for line in git(hooked, "diff", "--cached").splitlines()
        if line[:1] in "+-" and line[1:2] == "/"
    ]

    assert changed == ["-/note/b: 1", "+/note/b/deep: 1.10"]


def test_log_shows_fields_of_snapshots(hooked: Path) -> None:
    shown = git(hooked, "log", "-p", "-1", "--", SEVEN)

    assert '+/email: "c7@example.org"' in shown.splitlines()


def test_neighbouring_fields_merge(hooked: Path) -> None:
    on_branch(hooked, "theirs", (SEVEN, "c7@example.org", "new@example.org"))
    commit(hooked, (SEVEN, "Customer 7", "Ada"))

    git(hooked, "merge", "-q", "theirs")

    assert json.loads((hooked / SEVEN).read_text()) == {
        "email": "new@example.org",
        "id": 7,
        "name": "Ada",
    }
    assert git(hooked, "status", "--porcelain") == ""
    fsck(hooked)


def test_same_field_is_a_conflict_that_no_commit_lets_pass(hooked: Path) -> None:
    on_branch(hooked, "theirs", (SEVEN, "c7@example.org", "theirs@example.org"))
    commit(hooked, (SEVEN, "c7@example.org", "ours@example.org"), (SEVEN, "Customer 7", "Ada"))

    merged = attempt(hooked, "merge", "theirs")
    document = json.loads((hooked / SEVEN).read_text())
    git(hooked, "add", SEVEN)
    refused = attempt(hooked, "commit", "-m", "merged")

    assert merged.returncode == 1
    assert f"'{SEVEN}': both sides changed the field '/email'" in merged.stderr
    assert document.pop(CONFLICTS) == [
        {
            "pointer": "/email",
            "base": "c7@example.org",
            "ours": "ours@example.org",
            "theirs": "theirs@example.org",
        }
    ]
    assert document == {"email": "ours@example.org", "id": 7, "name": "Ada"}
    assert refused.returncode == 1
    assert f"{SEVEN}: fields that both sides changed wait for a choice" in refused.stderr


def test_conflict_is_over_when_its_member_is_gone(hooked: Path) -> None:
    on_branch(hooked, "theirs", (SEVEN, "c7@example.org", "theirs@example.org"))
    commit(hooked, (SEVEN, "c7@example.org", "ours@example.org"))
    attempt(hooked, "merge", "theirs")

    document = json.loads((hooked / SEVEN).read_text())
    del document[CONFLICTS]
    (hooked / SEVEN).write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    git(hooked, "commit", "-q", "-a", "-m", "merged")

    assert git(hooked, "status", "--porcelain") == ""
    assert "ours@example.org" in git(hooked, "show", f"HEAD:{SEVEN}")


def test_manifest_of_two_exports_adds_up(data: Program, hooked: Path, shop: str) -> None:
    import psycopg

    with psycopg.connect(shop, autocommit=True) as connection:
        git(hooked, "branch", "theirs")
        connection.execute("INSERT INTO shop.customers VALUES (100, 'A', NULL), (101, 'B', NULL)")
        data.done("export", "-q", "--branch", "theirs")
        connection.execute("DELETE FROM shop.customers WHERE id >= 100")
        connection.execute("INSERT INTO shop.customers VALUES (200, 'C', NULL)")
    data.done("export", "-q")

    git(hooked, "merge", "-q", "theirs")

    manifest = json.loads((hooked / "manifest.json").read_text())
    files = list((hooked / "data" / "customers").rglob("*.json"))
    assert manifest["entities"]["customers"]["count"] == len(files) == 23
    assert manifest["entities"]["customers"]["bytes"] == sum(file.stat().st_size for file in files)


@pytest.mark.parametrize("command", ["rebase", "cherry-pick", "stash"])
def test_other_commands_merge_fields_too(hooked: Path, command: str) -> None:
    if command == "stash":
        edit(hooked / SEVEN, "c7@example.org", "new@example.org")
        git(hooked, "stash", "-q")
        commit(hooked, (SEVEN, "Customer 7", "Ada"))
        git(hooked, "stash", "pop")
    else:
        on_branch(hooked, "theirs", (SEVEN, "c7@example.org", "new@example.org"))
        commit(hooked, (SEVEN, "Customer 7", "Ada"))
        git(hooked, command, "theirs")

    assert json.loads((hooked / SEVEN).read_text())["email"] == "new@example.org"
    assert json.loads((hooked / SEVEN).read_text())["name"] == "Ada"


def test_linked_worktree_merges_fields_too(hooked: Path, tmp_path: Path) -> None:
    on_branch(hooked, "theirs", (SEVEN, "c7@example.org", "new@example.org"))
    linked = tmp_path / "linked"
    git(hooked, "worktree", "add", "-q", "-b", "other", str(linked))
    commit(linked, (SEVEN, "Customer 7", "Ada"))

    git(linked, "merge", "-q", "theirs")

    assert json.loads((linked / SEVEN).read_text())["email"] == "new@example.org"


def test_lines_are_merged_where_the_program_is_gone(hooked: Path) -> None:
    for name in ("diff.gitexport.textconv", "merge.gitexport.driver"):
        value = git(hooked, "config", name)
        begin, end = value.index("'"), value.index("';") + 1
        git(hooked, "config", name, value[:begin] + "'/gone/gitexport'" + value[end:])
    on_branch(hooked, "theirs", (SEVEN, "c7@example.org", "theirs@example.org"))
    commit(hooked, (SEVEN, "c7@example.org", "ours@example.org"))
    without = {"PATH": "/usr/bin:/bin"}

    shown = attempt(hooked, "diff", "theirs", "--", SEVEN, **without)
    merged = attempt(hooked, "merge", "theirs", **without)

    assert '+  "email": "ours@example.org",' in shown.stdout
    assert merged.returncode == 1
    assert "<<<<<<<" in (hooked / SEVEN).read_text()
    assert "theirs@example.org" in (hooked / SEVEN).read_text()


def test_drivers_name_what_they_cannot_read(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text("{}")
    missing = tmp_path / "missing.json"

    shown = program("textconv", missing, "-o", "json")
    merged = program("merge-driver", missing, tmp_path / "file.json", missing, "-o", "json")

    assert (shown.code, merged.code) == (10, 10)
    assert str(missing) in shown.error["error"]
    assert str(missing) in merged.error["error"]
    assert (tmp_path / "file.json").read_text() == "{}"


def test_textconv_writes_the_same_in_each_way_of_calling_it(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "file.json"
    file.write_text('{"b": 1.10, "a": "\\n"}')

    codes = [main(["textconv", str(file)]), main(["-q", "textconv", str(file)])]
    out = capfdbinary.readouterr().out

    assert codes == [0, 0]
    assert out == b'/a: "\\n\n    "\n/b: 1.10\n' * 2
