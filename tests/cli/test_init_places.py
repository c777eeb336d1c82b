"""`gitexport init` makes a repository in a place that may hold something already."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.fixtures.repositories import git


def test_repository_with_peoples_files_keeps_them(
    program: Program, shop: str, repository_path: Path
) -> None:
    repository_path.mkdir()
    git(repository_path, "init", "-q", "-b", "trunk")
    (repository_path / "README.md").write_text("mine\n")
    (repository_path / ".gitattributes").write_text("*.png binary\n")
    (repository_path / "data").mkdir()
    (repository_path / "data" / "orders").write_text("mine too\n")
    git(repository_path, "add", "-A")
    git(repository_path, "commit", "-q", "-m", "mine")
    (repository_path / "untracked").write_text("x\n")

    program.done("init", repository_path, "--dsn", shop)

    assert (repository_path / "README.md").read_text() == "mine\n"
    attributes = (repository_path / ".gitattributes").read_text()
    assert attributes.startswith("*.png binary\n")
    assert "/data/orders_2/** -text" in attributes
    config = (repository_path / "gitexport.toml").read_text()
    assert 'branch = "trunk"' in config
    assert 'directory = "data/orders_2"' in config
    assert git(repository_path, "status", "--porcelain") == "?? untracked"
    assert git(repository_path, "branch", "--show-current") == "trunk"


def test_files_that_are_not_tracked_yet_are_joined(
    program: Program, shop: str, repository_path: Path
) -> None:
    repository_path.mkdir()
    git(repository_path, "init", "-q", "-b", "main")
    (repository_path / "README.md").write_text("mine\n")
    (repository_path / ".gitattributes").write_text("*.png binary")

    program.done("init", repository_path, "--dsn", shop)

    assert (repository_path / ".gitattributes").read_text().startswith("*.png binary\n# What")
    assert git(repository_path, "status", "--porcelain") == "?? README.md"


def test_manifest_of_somebody_else_is_refused(
    program: Program, shop: str, repository_path: Path
) -> None:
    repository_path.mkdir()
    git(repository_path, "init", "-q")
    (repository_path / "manifest.json").write_text("{}\n")
    git(repository_path, "add", "-A")
    git(repository_path, "commit", "-q", "-m", "mine")

    ended = program("init", repository_path, "--dsn", shop)

    assert ended.code == 2
    assert "'manifest.json' is there already" in ended.err
    assert not (repository_path / "gitexport.toml").exists()


def test_no_data_repository_is_made_among_the_documents_of_another(
    program: Program, shop: str, repository_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.done("init", repository_path, "--dsn", shop)
    program.done("-C", repository_path, "--dsn", shop, "track")
    program.done("-C", repository_path, "--dsn", shop, "export")
    monkeypatch.chdir(repository_path / "data" / "customers")

    ended = program("init", "--dsn", shop, "-o", "json")
    monkeypatch.chdir(repository_path)
    named = [program("init", name, "--dsn", shop) for name in ("data", "data/customers/x")]

    assert ended.code == 2
    assert ended.error["error"].endswith(f"lies in the data repository '{repository_path}'")
    assert f"gitexport -C {repository_path} init" in ended.error["hint"]
    assert "init ." not in ended.error["hint"]
    assert [end.code for end in named] == [2, 2]
    assert "keeps its own files" in named[0].err
    assert git(repository_path, "status", "--porcelain") == ""


def test_data_repository_is_made_in_another_where_a_person_names_the_place(
    program: Program, shop: str, repository_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.done("init", repository_path, "--dsn", shop)
    (repository_path / "other").mkdir()
    monkeypatch.chdir(repository_path / "other")

    unnamed = program("init", "--dsn", shop, "-o", "json")
    assert (unnamed.code, "'gitexport init .'" in unnamed.error["hint"]) == (2, True)
    program.done("init", ".", "--dsn", shop)
    program.done("init", "../../beside", "--dsn", shop)

    assert (repository_path / "other" / ".git").is_dir()


def test_directory_of_an_ordinary_git_repository_may_become_one(
    program: Program, shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")

    program.done("init", "--dsn", shop)

    assert (tmp_path / "inside" / "gitexport.toml").is_file()


def test_file_in_the_way_is_named(program: Program, shop: str, repository_path: Path) -> None:
    repository_path.write_text("mine\n")

    for place in (repository_path, repository_path / "below"):
        ended = program("init", place, "--dsn", shop)

        assert ended.code == 2
        assert f"'{place}' cannot be a directory: there is a file" in ended.err


def test_bare_repository(program: Program, shop: str, repository_path: Path) -> None:
    program.done("init", repository_path, "--dsn", shop, "--bare")
    again = program.done("-C", repository_path, "init", "--dsn", shop, "-o", "json").json

    assert git(repository_path, "rev-parse", "--is-bare-repository") == "true"
    assert "gitexport.toml" in git(repository_path, "ls-tree", "--name-only", "main")
    assert again["commit"] is None
