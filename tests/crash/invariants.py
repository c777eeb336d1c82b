"""What holds after every run that was left in peace, whatever happened to those before it."""

from __future__ import annotations

import re

import psycopg
import pygit2
from psycopg import sql

from gitexport.canonical.shards import PathFunction
from gitexport.model.entity import Entity, Tracking
from gitexport.source.postgresql.session import pin
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import fsck, git
from tests.fixtures.workbench import Workbench
from tests.property.oracle import canonical

_TRAILER = re.compile(r"^Gitexport-Snapshot: (\S+)$", re.MULTILINE)


def assert_in_step(bench: Workbench, *, is_shared: bool = False) -> None:
    """Asserts that repository, database and tags agree, and that nothing was left behind.

    Where the repository `is_shared`, other people's git may have left objects of its own.
    """
    expected = documents_of_database(bench)
    assert documents_of_commit(bench.repository, "refs/heads/main") == expected
    for entity in bench.publication.entities:
        if entity.tracking is Tracking.FLAG:
            assert bench.pending(entity.name) == 0, entity.name
    assert bench.sql("SELECT key FROM gitexport.tombstones") == []
    assert bench.sql("SELECT key FROM gitexport.pending") == []
    assert_tags_tell_snapshots(bench)
    assert_nothing_left(bench)
    if is_shared:
        assert git(bench.path, "fsck", "--strict", "--no-dangling", "--no-progress") == ""
    else:
        fsck(bench.path)
    if bench.repository.worktree is not None:
        status = bench.git("status", "--porcelain")
        assert status == "", status


def assert_tags_tell_snapshots(bench: Workbench) -> None:
    """Asserts that each snapshot has its tag, in the order of history, and no other has one."""
    log = bench.git("log", "--first-parent", "--reverse", "--format=%H%x00%B%x01", "main")
    found = {}
    for record in log.split("\x01"):
        commit, _, message = record.strip("\n").partition("\0")
        if (trailer := _TRAILER.search(message)) is not None:
            found[trailer[1]] = commit
    assert list(found) == sorted(found)
    listed = bench.git("for-each-ref", "--format=%(refname:short) %(*objectname)", "refs/tags")
    assert dict(line.split() for line in listed.splitlines()) == found


def assert_nothing_left(bench: Workbench) -> None:
    """Asserts that no lock, keep file, stage, spool or half-written file remains."""
    gitdir = bench.repository.gitdir
    left = [path for name in ("*.lock", "*.tmp", "tmp_*") for path in gitdir.rglob(name)]
    left += (gitdir / "objects" / "pack").glob("*.keep")
    stage = gitdir / "gitexport" / "stage"
    left += stage.iterdir() if stage.exists() else ()
    left += (path for name in ("objects-*", "pack-*") for path in stage.parent.glob(name))
    assert left == []


def documents_of_commit(repository: DataRepository, name: str) -> dict[str, bytes]:
    """Gives all documents of a commit, read with a handle that has cached nothing."""
    handle = pygit2.Repository(str(repository.gitdir))
    tree = handle.revparse_single(name).peel(pygit2.Tree)
    found: dict[str, bytes] = {}
    if "data" in tree:
        waiting: list[tuple[str, pygit2.Object]] = [("data", tree["data"])]
        while waiting:
            path, entry = waiting.pop()
            if isinstance(entry, pygit2.Tree):
                waiting += [(f"{path}/{below.name}", below) for below in entry]
            elif isinstance(entry, pygit2.Blob):
                found[path] = entry.data
    handle.free()
    return found


def documents_of_database(bench: Workbench) -> dict[str, bytes]:
    """Gives what the documents should be, by the server's own `row_to_json`."""
    with psycopg.connect(bench.dsn) as connection, connection.cursor() as cursor:
        pin(cursor)
        found: dict[str, bytes] = {}
        for entity in bench.publication.entities:
            found |= _rows(cursor, entity)
        return found


def _rows(cursor: psycopg.Cursor, entity: Entity) -> dict[str, bytes]:
    names = sql.SQL(", ").join(map(sql.Identifier, entity.columns))
    keys = sql.SQL(", ").join(
        sql.SQL("pg_typeof({0})::text, {0}::text").format(sql.Identifier(name))
        for name in entity.key
    )
    table = sql.Identifier("public", entity.name)
    statement = sql.SQL(
        "SELECT (SELECT row_to_json(r)::text FROM (SELECT {names}) AS r), {keys} FROM {table}"
    ).format(names=names, keys=keys, table=table)
    found = {}
    for text, *pairs in cursor.execute(statement):
        integers = tuple(name in {"smallint", "integer", "bigint"} for name in pairs[::2])
        paths = PathFunction(entity.directory, entity.shard, integers)
        directory, name = paths.path(tuple(pairs[1::2]))
        found[(directory + b"/" + name).decode()] = canonical(text)
    return found
