"""Changes people's tables without making them wait: short locks, tried again.

A statement that waits for a lock makes everybody else queue behind it. So DDL gives up
after a moment, lets the others pass, and tries again. Each attempt is one transaction, so
an interruption leaves nothing half done.

Source: PostgreSQL documentation, "Explicit Locking", "lock_timeout".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg
from psycopg import errors, sql

from gitexport.errors import LockedError
from gitexport.source.postgresql.session import Connection, Cursor, pin

# Below the server's deadlock_timeout of 1 s, so that in a deadlock it is we who give up.
LOCK_TIMEOUT = "900ms"
ATTEMPTS = 20
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_OUTSIDE = {"lock_timeout": "0", "statement_timeout": "0", "default_transaction_read_only": "off"}
_ADVISORY = "SELECT pg_advisory_xact_lock(hashtext('gitexport track'))"

_Result = TypeVar("_Result")


def in_transaction(
    connection: Connection, work: Callable[[Cursor], _Result], *, where: str
) -> _Result:
    """Does some work in one pinned transaction, again when a lock was not to be had.

    Raises:
        LockedError: The locks were not to be had in any attempt.
        psycopg.Error: The server refused a statement for another reason.
    """
    pause = _FIRST_PAUSE
    for _ in range(ATTEMPTS):
        try:
            with connection.transaction(), connection.cursor() as cursor:
                pin(cursor)
                cursor.execute(
                    sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT))
                )
                return work(cursor)
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            reason: psycopg.Error = error
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
    message = f"other sessions hold locks on '{where}'"
    hint = "end the long transactions that pg_stat_activity shows, then run this again"
    raise LockedError(message, where=where, hint=hint) from reason


def execute_all(
    connection: Connection, plan: Callable[[Cursor], Sequence[sql.Composable]], *, where: str
) -> list[sql.Composable]:
    """Plans and executes statements in one transaction; one `track` at a time.

    Raises:
        LockedError: The locks were not to be had in any attempt.
        psycopg.Error: The server refused a statement.
    """

    def work(cursor: Cursor) -> list[sql.Composable]:
        cursor.execute(_ADVISORY)
        statements = list(plan(cursor))
        for statement in statements:
            cursor.execute(sql.Composed([statement]))
        return statements

    return in_transaction(connection, work, where=where)


def execute_outside(connection: Connection, statement: sql.Composable) -> None:
    """Executes a statement that allows no transaction, such as CREATE INDEX CONCURRENTLY.

    Its locks stop neither readers nor writers, so it may wait for them without limit.

    Raises:
        psycopg.Error: The server refused the statement.
    """
    with connection.cursor() as cursor:
        for setting, value in _OUTSIDE.items():
            cursor.execute(
                sql.SQL("SET {} = {}").format(sql.Identifier(setting), sql.Literal(value))
            )
        try:
            cursor.execute(sql.Composed([statement]))
        finally:
            if not connection.closed:
                for setting in _OUTSIDE:
                    cursor.execute(sql.SQL("RESET {}").format(sql.Identifier(setting)))


def as_text(statements: Sequence[sql.Composable]) -> tuple[str, ...]:
    """Writes statements as people read them, without a semicolon."""
    return tuple(statement.as_string(None).strip() for statement in statements)
