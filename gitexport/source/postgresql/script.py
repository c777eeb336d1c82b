"""Runs a script of several SQL statements, in one transaction.

For scripts that gitexport brings along; text of strangers never gets here.
"""

from __future__ import annotations

from gitexport.source.postgresql.connection import connect
from gitexport.source.postgresql.errors import translating


def run_script(dsn: str | None, script: str) -> None:
    """Runs all statements, or none of them where one fails.

    Raises:
        ConnectionFailedError: There is no connection.
        SourceError: The server refused a statement.
    """
    connection = connect(dsn)
    try:
        with translating("the script"), connection.transaction():
            # Bytes without parameters go as one simple query, which may hold many statements.
            connection.execute(script.encode())
    finally:
        connection.close()
