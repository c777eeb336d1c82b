"""What a server accepts: well-formed snapshots, and tags that stay where they are."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.git.person import attempt, edit
from tests.cli.program import Program
from tests.fixtures.repositories import fsck, git

SEVEN = "data/customers/7.json"


@pytest.fixture
def server(data: Program, program: Program, repository_path: Path, tmp_path: Path) -> Path:
    """A bare repository that accepts snapshots and has the first one, with its tag."""
    data.done("export", "-q")
    bare = tmp_path / "server.git"
    git(tmp_path, "init", "-q", "--bare", str(bare))
    program.done("-C", bare, "hooks", "install")
    git(repository_path, "remote", "add", "origin", str(bare))
    data.done("push")
    return bare


def export(data: Program, shop: str, statement: str) -> str:
    """Changes rows and exports; gives the tag."""
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute(statement.encode())
    return str(data.done("export", "-o", "json").json["snapshot"])


def refused(path: Path, *arguments: str) -> list[str]:
    """Pushes, which the server has to refuse, and gives its lines about snapshots."""
    pushed = attempt(path, "push", "origin", *arguments)
    assert pushed.returncode == 1, pushed.stderr
    assert "pre-receive hook declined" in pushed.stderr
    lines = [line.removeprefix("remote: ").rstrip() for line in pushed.stderr.splitlines()]
    return [line for line in lines if "; mend it: " in line]


def forge(path: Path, old: str, new: str) -> None:
    """Replaces the last commit by one with another message."""
    message = git(path, "log", "-1", "--format=%B")
    assert old in message
    git(path, "commit", "-q", "--amend", "--no-verify", "-m", message.replace(old, new))


def test_snapshots_with_their_tags_are_accepted(
    data: Program, shop: str, repository_path: Path, server: Path
) -> None:
    export(data, shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    export(data, shop, "DELETE FROM shop.orders WHERE id = 7; INSERT INTO shop.orders VALUES (99)")
    edit(repository_path / "README.md", "# Data", "# Ours")
    git(repository_path, "commit", "-q", "-a", "-m", "people's")
    export(data, shop, "UPDATE shop.customers SET name = 'Eve' WHERE id = 8")

    data.done("push")

    assert git(server, "rev-parse", "main") == git(repository_path, "rev-parse", "main")
    assert git(server, "tag") == git(repository_path, "tag")
    fsck(server)


def test_changed_layout_is_accepted(
    data: Program, shop: str, repository_path: Path, server: Path
) -> None:
    config = repository_path / "gitexport.toml"
    config.write_text(config.read_text().replace('"data/customers"', '"data/people"'))
    data.done("relayout")
    export(data, shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")

    data.done("push")

    assert "data/people/7.json" in git(server, "ls-tree", "-r", "--name-only", "main")


@pytest.mark.parametrize("command", ["move", "delete"])
def test_tag_is_never_moved_nor_deleted(
    data: Program, shop: str, repository_path: Path, server: Path, command: str
) -> None:
    first = git(repository_path, "tag")
    export(data, shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    before = git(server, "rev-parse", first)

    if command == "move":
        git(repository_path, "tag", "-f", "-a", "-m", "moved", first)
        (line,) = refused(repository_path, "--force", first)
        assert line.startswith(f"refs/tags/{first}: the tag of a snapshot is never moved")
    else:
        (line,) = refused(repository_path, f":refs/tags/{first}")
        assert line.startswith(f"refs/tags/{first}: the tag of a snapshot is never deleted")

    assert git(server, "rev-parse", first) == before


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("20200101-000000", ["-a", "-m", "x"], "its commit is the snapshot '"),
        ("20200101-000000", [], "the tag of a snapshot is an annotated one"),
    ],
)
def test_tag_says_what_its_commit_says(
    repository_path: Path, server: Path, name: str, options: list[str], reason: str
) -> None:
    del server
    git(repository_path, "tag", *options, name)

    (line,) = refused(repository_path, name)

    assert line.startswith(f"refs/tags/{name}: {reason}")


def test_tag_that_calls_itself_otherwise_is_refused(repository_path: Path, server: Path) -> None:
    del server
    tag = git(repository_path, "tag")
    git(repository_path, "update-ref", "refs/tags/20200101-000000", f"refs/tags/{tag}")

    (line,) = refused(repository_path, "20200101-000000")

    assert f"the tag object calls itself '{tag}'" in line


def test_tags_of_people_are_theirs(repository_path: Path, server: Path) -> None:
    git(repository_path, "tag", "v1")
    git(repository_path, "push", "-q", "origin", "v1")
    git(repository_path, "tag", "-f", "v1", "HEAD~")

    git(repository_path, "push", "-q", "--force", "origin", "v1")

    assert git(server, "rev-parse", "v1") == git(repository_path, "rev-parse", "HEAD~")


def test_snapshot_with_a_document_at_fault_is_refused(
    data: Program, shop: str, repository_path: Path, server: Path
) -> None:
    tag = export(data, shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    before = git(server, "rev-parse", "main")
    edit(repository_path / SEVEN, '"id": 7', '"id":  7')
    git(repository_path, "commit", "-q", "-a", "--amend", "--no-edit", "--no-verify")

    lines = refused(repository_path, "main")

    assert any(line.startswith(f"snapshot {tag}: {SEVEN}: line 3") for line in lines)
    assert git(server, "rev-parse", "main") == before


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("customers +0 ~1 -0", "customers +0 ~2 -0", "the trailer counts '+0 ~2 -0'"),
        ("Gitexport-Counts: customers +0 ~1 -0\n", "", "the trailer counts 'nothing'"),
    ],
)
def test_trailers_count_what_differs(  # noqa: PLR0913, PLR0917 - fixtures and cases
    data: Program,
    shop: str,
    repository_path: Path,
    server: Path,
    old: str,
    new: str,
    reason: str,
) -> None:
    del server
    export(data, shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    forge(repository_path, old, new)

    (line,) = [line for line in refused(repository_path, "main") if "trailer" in line]

    assert reason in line


def test_snapshot_with_the_name_of_another_one_is_refused(
    data: Program, shop: str, repository_path: Path, server: Path
) -> None:
    first = git(server, "tag")
    second = export(data, shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    forge(repository_path, f"Gitexport-Snapshot: {second}", f"Gitexport-Snapshot: {first}")

    lines = refused(repository_path, "main")

    assert any(f"the tag '{first}' is here already, on another commit" in line for line in lines)


def test_manifest_counts_what_is_there(
    data: Program, shop: str, repository_path: Path, server: Path
) -> None:
    del server
    tag = export(data, shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    edit(repository_path / "manifest.json", '"count": 20', '"count": 21')
    git(repository_path, "commit", "-q", "-a", "--amend", "--no-edit", "--no-verify")

    lines = refused(repository_path, "main")

    reason = "counts 21 documents of 'customers', and there are 20"
    assert any(line.startswith(f"snapshot {tag}: manifest.json: {reason}") for line in lines)


def test_snapshot_that_cannot_be_read_is_refused(
    data: Program, shop: str, repository_path: Path, server: Path
) -> None:
    del server
    export(data, shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    (repository_path / "gitexport.toml").write_text("format = 1\nx = ")
    git(repository_path, "commit", "-q", "-a", "--amend", "--no-edit", "--no-verify")

    # The changed commit may also be of another second than its tag.
    lines = refused(repository_path, "main")

    assert any("gitexport.toml" in line for line in lines)
