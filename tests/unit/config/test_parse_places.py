"""What gitexport.toml may say of paths and remotes, and what of them is refused as dangerous."""

from __future__ import annotations

import pytest

from gitexport.config.parse import parse_config
from tests.unit.config.texts import HEAD, USERS, problem


@pytest.mark.parametrize(
    "path",
    [
        "../x", "a/../b", "/etc/x", "~/x", "C:/x", ".git/x", "a/.GIT/b", ".git ", "git~1",
        "a//b", "./a", "a/", "a\\\\b", "con/x", "aux.json", "x.", "relations/users", "relations",
        "Manifest.JSON", "gitexport.toml", ".gitattributes", ".git\u200c/x", "-x",
    ],
)  # fmt: skip
def test_dangerous_path_is_refused(path: str) -> None:
    as_directory = problem(HEAD + USERS + f'directory = "{path}"\n')
    as_document = problem(HEAD + f'[documents."{path}"]\nquery = "SELECT 1"\n')

    assert as_directory.where == "gitexport.toml:8"
    assert as_document.where == "gitexport.toml:3"


def test_way_out_of_the_repository_is_named() -> None:
    error = problem(HEAD + USERS + 'directory = "a/../../b"\n')

    assert "'a/../../b' leaves the data repository" in error.message


@pytest.mark.parametrize("directory", ["data/users", "data/USERS", "data", "data/users/more"])
def test_overlapping_directories_are_refused(directory: str) -> None:
    others = USERS.replace("users]", "others]").replace("datamartusers", "others")

    error = problem(HEAD + USERS + others + f'directory = "{directory}"\n')

    assert "'users'" in error.message
    assert "'others'" in error.message
    assert error.where == "gitexport.toml:13"


def test_directories_with_one_beginning_do_not_overlap() -> None:
    others = USERS.replace("users]", "users_more]").replace("datamartusers", "others")

    assert len(parse_config((HEAD + USERS + others).encode()).entities) == 2


@pytest.mark.parametrize(
    "path", ["data/users/x.json", "data/users", "data", "README.md", "Data/Users/x.json"]
)
def test_document_in_the_way_is_refused(path: str) -> None:
    error = problem(HEAD + USERS + f'[documents."{path}"]\nquery = "SELECT 1"\n')

    assert f"'{path}'" in error.message


@pytest.mark.parametrize(
    "remote",
    [
        "https://someone:hunter2@example.org/data.git",
        "https://ghp_hunter2@example.org/data.git",
        "ssh://git:hunter2@example.org/data.git",
        "someone:hunter2@example.org:data.git",
    ],
)
def test_secret_in_a_remote_is_refused_and_never_repeated(remote: str) -> None:
    error = problem(HEAD + f'remote = "{remote}"\n')

    assert error.where == "gitexport.toml:3"
    assert "hunter2" not in f"{error.message} {error.hint} {error.where}"


@pytest.mark.parametrize("remote", ["ext::sh -c id", "--upload-pack=x", "ext://x", "a b"])
def test_remote_that_runs_something_is_refused(remote: str) -> None:
    problem(HEAD + f'remote = "{remote}"\n')


@pytest.mark.parametrize(
    "remote",
    [
        "https://example.org/a.git",
        "ssh://git@example.org/a",
        "git@host:a.git",
        "/srv/a.git",
        "../a",
    ],
)
def test_remote_that_is_a_place_belongs_into_git_itself(remote: str) -> None:
    error = problem(HEAD + f'remote = "{remote}"\n')

    assert error.where == "gitexport.toml:3"
    assert "git remote add origin URL" in error.message


@pytest.mark.parametrize("remote", ["origin", "team/mirror", "up.stream", "a@b"])
def test_name_of_a_remote_is_accepted(remote: str) -> None:
    assert parse_config((HEAD + f'remote = "{remote}"\n').encode()).remote == remote
