"""SQL of a configuration runs where a person wrote or accepted it, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.api.trust import require_accepted
from gitexport.config.local import read_local
from gitexport.config.parse import parse_config
from gitexport.errors import DecisionNeededError
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git

HEAD = 'format = 1\nid = "an-id"\n'


def entity(name: str, where: str | None = None) -> str:
    """Writes an entity's table."""
    text = f'[entities.{name}]\nrelation = "a.{name}"\nkey = ["id"]\ncolumns = ["id"]\n'
    return text if where is None else f'{text}where = "{where}"\n'


class Clone:
    """A clone in which a person works."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "gitexport.toml"

    def write(self, *tables: str) -> None:
        """Edits the configuration."""
        self.config.write_text(HEAD + "".join(tables))

    def commit(self, *tables: str) -> None:
        """Edits the configuration and commits it."""
        self.write(*tables)
        git(self.path, "add", "-A")
        git(self.path, "commit", "-q", "-m", "a change")

    def is_accepted(self, *, accept: bool = False) -> bool:
        """Tells whether the SQL of the working tree may run."""
        publication = parse_config(self.config.read_bytes())
        try:
            require_accepted(DataRepository.open(self.path), publication, accept=accept)
        except DecisionNeededError:
            return False
        return True


@pytest.fixture
def origin(tmp_path: Path) -> Clone:
    """A data repository that somebody else publishes."""
    git(tmp_path, "init", "-q", "-b", "main", "origin")
    return Clone(tmp_path / "origin")


def clone(origin: Clone) -> Clone:
    """Clones the repository of somebody else."""
    path = origin.path.with_name("clone")
    git(origin.path, "clone", "-q", str(origin.path), str(path))
    return Clone(path)


def test_configuration_without_sql_needs_nobody(origin: Clone) -> None:
    origin.commit(entity("users"))
    mine = clone(origin)

    assert mine.is_accepted()
    assert not (mine.path / ".git" / "gitexport" / "local.toml").exists()


def test_own_edit_and_own_commit_are_accepted_and_remembered(origin: Clone) -> None:
    origin.commit(entity("users"))
    origin.write(entity("users", "id > 1"))
    edited = origin.is_accepted()
    origin.commit(entity("users", "id > 2"))

    assert edited
    assert origin.is_accepted()
    digest = parse_config(origin.config.read_bytes()).sql_digest
    assert read_local(origin.path / ".git" / "gitexport").accepted_sql == digest


def test_sql_that_came_by_clone_asks_until_it_is_accepted(origin: Clone) -> None:
    origin.commit(entity("users", "id > 1"))
    mine = clone(origin)

    assert not mine.is_accepted()
    assert mine.is_accepted(accept=True)
    assert mine.is_accepted()


@pytest.mark.parametrize("how", ["--ff-only", "--rebase", "--no-rebase"])
def test_sql_that_came_by_pull_asks_however_it_was_pulled(origin: Clone, how: str) -> None:
    origin.commit(entity("users"))
    mine = clone(origin)
    if how != "--ff-only":
        (mine.path / "mine").write_text("x\n")
        git(mine.path, "add", "-A")
        git(mine.path, "commit", "-q", "-m", "mine")
    origin.commit(entity("users", "id > 1"))
    git(mine.path, "pull", "-q", "--no-edit", how)

    assert not mine.is_accepted()


def test_edit_of_another_line_does_not_accept_what_was_cloned(origin: Clone) -> None:
    origin.commit(entity("users", "id > 1"))
    mine = clone(origin)
    mine.write("# mine\n", entity("users", "id > 1"))
    edited = mine.is_accepted()
    mine.write(entity("users", "id > 1"), entity("orders", "id > 2"))
    added = mine.is_accepted()
    mine.commit(entity("users", "id > 1"), entity("orders", "id > 2"))

    assert (edited, added, mine.is_accepted()) == (False, False, False)


def test_own_sql_beside_accepted_sql_is_accepted(origin: Clone) -> None:
    origin.commit(entity("users", "id > 1"))
    mine = clone(origin)
    assert mine.is_accepted(accept=True)

    mine.commit(entity("users", "id > 1"), entity("orders", "id > 2"))

    assert mine.is_accepted()


def test_change_of_accepted_sql_by_others_asks_again(origin: Clone) -> None:
    origin.commit(entity("users", "id > 1"))
    mine = clone(origin)
    assert mine.is_accepted(accept=True)
    origin.commit(entity("users", "id > 1 OR true"))
    git(mine.path, "pull", "-q", "--ff-only")

    assert not mine.is_accepted()


def test_accepted_condition_is_not_accepted_on_another_relation(origin: Clone) -> None:
    origin.commit(entity("users", "id > 1"))
    mine = clone(origin)
    assert mine.is_accepted(accept=True)
    origin.commit(entity("salaries", "id > 1"))
    git(mine.path, "pull", "-q", "--ff-only")

    assert not mine.is_accepted()


def test_sql_that_was_removed_needs_nobody(origin: Clone) -> None:
    origin.commit(entity("users", "id > 1"))
    mine = clone(origin)
    mine.write(entity("users"))

    assert mine.is_accepted()


def test_reset_to_a_commit_of_others_is_not_a_commit_made_here(origin: Clone) -> None:
    origin.commit(entity("users"))
    mine = clone(origin)
    origin.commit(entity("users", "id > 1"))
    git(mine.path, "fetch", "-q")
    git(mine.path, "reset", "-q", "--hard", "origin/main")

    assert not mine.is_accepted()
