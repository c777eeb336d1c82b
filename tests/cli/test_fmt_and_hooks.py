"""`gitexport fmt` and `gitexport hooks`: edited documents, and commits with them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.fixtures.repositories import git

BAD = '{"name": "Ada",\n "id": 7, "email": null}'
GOOD = '{\n  "email": null,\n  "id": 7,\n  "name": "Ada"\n}\n'


@pytest.fixture
def document(data: Program, repository_path: Path) -> Path:
    """A document of the first export, with an edit that is not canonical."""
    data.done("export")
    (path,) = (repository_path / "data" / "customers").rglob("7.json")
    path.write_text(BAD)
    return path


def test_check_names_the_document_and_changes_nothing(data: Program, document: Path) -> None:
    ended = data("fmt", "--check")

    assert ended.code == 1
    assert ended.out.startswith("data/customers/7.json: line 1: ")
    assert "gitexport fmt" in ended.err
    assert document.read_text() == BAD


def test_document_is_mended(data: Program, document: Path) -> None:
    ended = data.done("fmt", document)
    again = data.done("fmt", "-o", "json").json

    assert ended.out == "mended data/customers/7.json\n"
    assert document.read_text() == GOOD
    assert again["mended"] == []
    assert again["checked"] > 70


def test_one_document_is_counted_as_one(data: Program, document: Path) -> None:
    data.done("fmt", document)

    assert data("show", "latest~1").err.startswith(
        "error: 'latest~1' goes back too far: there is 1 snapshot\n"
    )
    assert data.done("fmt", "--check", document).err == "1 document checked\n"


def test_what_is_no_json_is_named_and_left(data: Program, document: Path) -> None:
    document.write_text('{"a": 1, "a": 2}')

    ended = data("fmt", document.parent, "-o", "json")

    assert ended.code == 1
    assert list(ended.json["faults"]) == ["data/customers/7.json"]
    assert document.read_text() == '{"a": 1, "a": 2}'


@pytest.mark.parametrize("name", ["README.md", "absent.json", "../outside.json", "data/x.json"])
def test_file_that_is_no_document_is_refused(
    data: Program, repository_path: Path, name: str
) -> None:
    (repository_path / "data").mkdir(exist_ok=True)
    (repository_path / "data" / "x.json").write_text("{ }")
    (repository_path.parent / "outside.json").write_text("{ }")

    ended = data("fmt", repository_path / name)

    assert ended.code == 2
    assert (repository_path / "data" / "x.json").read_text() == "{ }"


def test_staged_content_counts_and_not_the_working_tree(
    data: Program, document: Path, repository_path: Path
) -> None:
    git(repository_path, "add", str(document))
    document.write_text(GOOD)

    checked = data("fmt", "--check", "--staged")
    mended = data.done("fmt", "--staged")

    assert checked.code == 1
    assert mended.out == "mended data/customers/7.json\nmended manifest.json\n"
    assert git(repository_path, "show", ":data/customers/7.json") == GOOD.rstrip("\n")
    assert git(repository_path, "diff", "--name-only") == ""


def commit(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Commits as a person does, with the hooks running the program under test."""
    script = path.parent / "gitexport-under-test"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitexport "$@"\n')
    script.chmod(0o755)
    return subprocess.run(
        ["git", "-C", str(path), "commit", "-q", "-m", "edit", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "GITEXPORT": str(script)},
        check=False,
    )


@pytest.mark.parametrize("arguments", [("-a",), ("data/customers/7.json",)])
def test_hook_refuses_a_document_that_is_not_canonical(
    data: Program, document: Path, repository_path: Path, arguments: tuple[str, ...]
) -> None:
    data.done("hooks", "install")

    refused = commit(repository_path, *arguments)
    document.write_text(GOOD)
    accepted = commit(repository_path, *arguments)

    assert refused.returncode == 1
    assert "data/customers/7.json: line 1" in refused.stdout + refused.stderr
    assert accepted.returncode == 0, accepted.stderr


def test_hook_of_a_person_runs_first_and_comes_back(
    data: Program, document: Path, repository_path: Path
) -> None:
    document.write_text(GOOD)
    hook = repository_path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    mine = "#!/bin/sh\necho mine >&2\nexit ${MINE:-0}\n"
    hook.write_text(mine)
    hook.chmod(0o755)

    data.done("hooks", "install")
    installed = data.done("hooks", "install", "-o", "json").json
    passed = commit(repository_path, "-a")
    git(repository_path, "rm", "-q", str(document))
    os.environ["MINE"] = "4"
    try:
        stopped = commit(repository_path, "-a")
    finally:
        del os.environ["MINE"]
    removed = data.done("hooks", "uninstall", "-o", "json").json
    nothing = data.done("hooks", "uninstall")

    assert installed["chained"] == ["pre-commit"]
    assert "mine" in passed.stderr
    assert passed.returncode == 0
    assert stopped.returncode == 1
    assert removed["removed"] == installed["installed"]
    assert hook.read_text() == mine
    assert os.access(hook, os.X_OK)
    assert [path.name for path in hook.parent.glob("pre-commit*")
            if not path.name.endswith(".sample")] == ["pre-commit"]  # fmt: skip
    assert nothing.out == "there was nothing to remove\n"


def test_hooks_that_other_repositories_share_are_left_alone(
    data: Program, repository_path: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    git(repository_path, "config", "core.hooksPath", str(shared))

    ended = data("hooks", "install", "-o", "json")

    assert ended.code == 2
    assert "gitexport hooks run" in ended.error["hint"]
    assert list(shared.iterdir()) == []


def test_hooks_path_inside_of_the_repository_is_honoured(
    data: Program, repository_path: Path
) -> None:
    git(repository_path, "config", "core.hooksPath", "tools/hooks")

    data.done("hooks", "install")

    assert (repository_path / "tools" / "hooks" / "pre-commit").is_file()
    assert not (repository_path / ".git" / "hooks" / "pre-commit").exists()
