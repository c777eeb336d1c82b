"""Makes a database for a copy, and drops it again unless the copy is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from gitexport.errors import ConflictError, PermissionDeniedError, UsageError
from gitexport.source.postgresql.connection import connect
from gitexport.source.postgresql.errors import translating
from gitexport.source.postgresql.session import Connection

_LONGEST = 63


@dataclass
class NewDatabase:
    """A database that was made just now; `keep` lets it stay."""

    name: str
    dsn: str = field(repr=False)
    is_kept: bool = False

    def keep(self) -> None:
        """Lets the database stay when the block ends."""
        self.is_kept = True


@contextmanager
def new_database(dsn: str | None, name: str) -> Iterator[NewDatabase]:
    """Makes an empty database on the server of `dsn`, and drops it unless it is kept.

    It is made from template0, in UTF-8, with the server's own locale.

    Raises:
        UsageError: The name is none.
        ConflictError: There is a database of this name.
        PermissionDeniedError: The role may not make databases.
        SourceError: The server refused for another reason.
    """
    if not name or "\0" in name or len(name.encode()) > _LONGEST:
        message = f"'{name}' is not the name of a database"
        raise UsageError(message, hint=f"a name has 1 to {_LONGEST} bytes")
    _run(dsn, f"making the database '{name}'", _create, name)
    made = NewDatabase(name, make_conninfo(dsn or "", dbname=name))
    try:
        yield made
    finally:
        if not made.is_kept:
            _run(dsn, f"dropping the database '{name}'", _drop, name)


def _run(
    dsn: str | None, where: str, work: Callable[[Connection, sql.Identifier], None], name: str
) -> None:
    # A connection of its own for each, as a copy may take longer than an idle one lives.
    connection = connect(dsn)
    try:
        with translating(where):
            work(connection, sql.Identifier(name))
    finally:
        connection.close()


def _create(connection: Connection, name: sql.Identifier) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        connection.execute(statement.format(name))
    except errors.DuplicateDatabase as error:
        message = f"there is a database {name.as_string(None)} already"
        hint = "choose another name with --into, or import into it without --into"
        raise ConflictError(message, hint=hint) from error
    except errors.InsufficientPrivilege as error:
        message = "the role may not make databases"
        hint = "grant it CREATEDB, or make the database and import without --into"
        raise PermissionDeniedError(message, hint=hint) from error


def _drop(connection: Connection, name: sql.Identifier) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
