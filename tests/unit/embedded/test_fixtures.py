"""What the fixtures promise to every other test."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pygit2

from tests.fixtures.postgres import Postgres
from tests.fixtures.repositories import fsck, git


def test_database_is_empty_and_utf8(connection: psycopg.Connection) -> None:
    tables = connection.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    ).fetchone()
    encoding = connection.execute("SHOW server_encoding").fetchone()

    assert tables == (0,)
    assert encoding == ("UTF8",)


def test_database_is_gone_afterwards_also_while_it_is_used(postgres: Postgres) -> None:
    with postgres.temporary_database() as dsn:
        user = psycopg.connect(dsn)
    with psycopg.connect(postgres.maintenance_dsn) as admin:
        left = admin.execute("SELECT datname FROM pg_database WHERE datname ~ '^test_'")

        assert user.info.dbname not in {name for (name,) in left}
    user.close()


def test_git_and_libgit2_see_only_the_tests_configuration(
    git_home: Path, repository_path: Path
) -> None:
    repository = pygit2.init_repository(str(repository_path))

    assert os.environ["HOME"] == str(git_home)
    assert repository.config["user.name"] == "Test Person"
    assert git(repository_path, "config", "user.email") == "person@example.org"
    scopes = {
        line.split()[0]
        for line in git(repository_path, "config", "-l", "--show-scope").splitlines()
    }
    assert scopes == {"global", "local"}


def test_fsck_is_silent_on_a_sound_repository(repository_path: Path) -> None:
    git(repository_path.parent, "init", "-q", "repository")
    (repository_path / "file").write_text("text\n")
    git(repository_path, "add", "file")
    git(repository_path, "commit", "-q", "-m", "first")

    fsck(repository_path)
