"""What is not published: what must not be seen, and what others could not use."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.inspect import document_rules
from tests.cli.git.person import attempt, edit
from tests.cli.program import Program
from tests.fixtures.repositories import git

SEVEN = "data/customers/7.json"
SECRET = ('7"\n}', '7",\n  "secret": 1\n}')


@pytest.fixture
def origin(hooked: Path, tmp_path: Path) -> Path:
    """A remote that has the first snapshot."""
    remote = tmp_path / "origin.git"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    git(hooked, "remote", "add", "origin", str(remote))
    git(hooked, "push", "-q", "origin", "main")
    return remote


def slip(path: Path, file: str, old: str, new: str) -> str:
    """Commits an edit past the hook, and gives the commit."""
    edit(path / file, old, new)
    git(path, "commit", "-q", "-a", "-m", "edit", "--no-verify")
    return git(path, "rev-parse", "--short=10", "HEAD")


def refused(path: Path, *arguments: str) -> list[str]:
    """Pushes, which has to be refused, and gives the lines about files."""
    pushed = attempt(path, "push", "origin", *arguments)
    assert pushed.returncode == 1, pushed.stderr
    return [line for line in pushed.stderr.splitlines() if "; mend it: " in line]


def test_snapshots_are_published(data: Program, hooked: Path, origin: Path, shop: str) -> None:
    import psycopg

    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    ended = data.done("export", "--push", "-q")

    assert ended.code == 0
    assert git(origin, "rev-parse", "main") == git(hooked, "rev-parse", "main")


def test_what_is_not_canonical_is_kept_back(hooked: Path, origin: Path) -> None:
    before = git(origin, "rev-parse", "main")
    slip(hooked, SEVEN, '"id": 7', '"id":  7')

    (line,) = refused(hooked, "main")

    assert line == (
        f"{SEVEN}: line 3: spaces or escapes are not those of canonical form; "
        f"mend it: gitexport fmt {SEVEN}; then commit"
    )
    assert git(origin, "rev-parse", "main") == before


def test_mended_fault_of_an_earlier_commit_is_published(hooked: Path, origin: Path) -> None:
    slip(hooked, SEVEN, '"id": 7', '"id":  7')
    slip(hooked, SEVEN, '"id":  7', '"id": 7')

    git(hooked, "push", "-q", "origin", "main")

    assert git(origin, "rev-parse", "main") == git(hooked, "rev-parse", "main")


def test_unnamed_column_is_kept_back_also_where_a_later_commit_hides_it(
    hooked: Path, origin: Path
) -> None:
    commit = slip(hooked, SEVEN, *SECRET)
    slip(hooked, SEVEN, *reversed(SECRET))

    (line,) = refused(hooked, "main")

    assert line.startswith(
        f"{SEVEN}: holds 'secret', which is no column that 'customers' publishes, "
        f"in commit {commit}; mend it: git rebase -i {commit}~"
    )
    assert "secret" not in git(origin, "log", "-p", "--all")


def test_new_branch_and_tag_are_judged_from_what_the_remote_has(hooked: Path, origin: Path) -> None:
    git(hooked, "switch", "-q", "-c", "review")
    slip(hooked, SEVEN, *SECRET)
    git(hooked, "tag", "mine")

    assert len(refused(hooked, "review")) == 1
    assert len(refused(hooked, "mine")) == 1
    assert git(origin, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_only_what_the_remote_lacks_is_read(data: Program, hooked: Path, origin: Path) -> None:
    del origin
    slip(hooked, SEVEN, "Customer 7", "Ada")
    lines = f"refs/heads/main {git(hooked, 'rev-parse', 'main')} refs/heads/new {'0' * 40}\n"
    import io
    import sys

    stdin, sys.stdin = sys.stdin, io.StringIO(lines)
    try:
        ended = data.done("hooks", "run", "pre-push", "origin", "url", "-o", "json")
    finally:
        sys.stdin = stdin

    assert ended.json["checked"] == 1


def test_what_hosts_refuse_is_kept_back(
    data: Program, hooked: Path, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del origin
    import io
    import sys

    monkeypatch.setattr(document_rules, "REFUSED_BYTES", 60)
    slip(hooked, SEVEN, "Customer 7", "A" * 100)
    lines = f"refs/heads/main {git(hooked, 'rev-parse', 'main')} refs/heads/new {'0' * 40}\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))

    ended = data("hooks", "run", "pre-push", "origin", "url")

    assert ended.code == 1
    assert ended.out.startswith(f"{SEVEN}: has 157 bytes, more than the 60 that hosts accept")


def test_deleting_a_branch_needs_no_check(hooked: Path, origin: Path) -> None:
    git(hooked, "push", "-q", "origin", "main:other")

    git(hooked, "push", "-q", "origin", ":other")

    assert git(origin, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_branch_without_data_is_pushed(hooked: Path, origin: Path) -> None:
    git(hooked, "switch", "-q", "--orphan", "pages")
    git(hooked, "commit", "-q", "--allow-empty", "-m", "pages")

    git(hooked, "push", "-q", "origin", "pages")

    assert "refs/heads/pages" in git(origin, "for-each-ref")


def test_first_push_judges_everything(hooked: Path, tmp_path: Path) -> None:
    slip(hooked, SEVEN, '"id": 7', '"id":  7')
    slip(hooked, "README.md", "# Data", "# Ours")
    git(tmp_path, "init", "-q", "--bare", "empty.git")
    git(hooked, "remote", "add", "origin", str(tmp_path / "empty.git"))

    (line,) = refused(hooked, "main")

    assert line.startswith(f"{SEVEN}: line 3")
