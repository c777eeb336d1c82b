"""Documents go into a temporary table, as they are."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from gitexport.model.recognition import ForeignDocument
from gitexport.source.postgresql.recognition.tables import EntityTables
from gitexport.source.postgresql.session import Cursor

_TABLE = """
CREATE TEMP TABLE {} (
    n bigint NOT NULL, key text[] NOT NULL, document json, base json, is_written boolean NOT NULL
) ON COMMIT DROP
"""


def take_documents(
    cursor: Cursor, tables: EntityTables, documents: Iterable[ForeignDocument]
) -> int:
    """Makes the table and fills it; gives the number of documents.

    Raises:
        psycopg.Error: The server refused a document, which then is no JSON.
    """
    cursor.execute(sql.SQL(_TABLE).format(sql.Identifier(f"gitexport_taken_{tables.number}")))
    number = 0
    with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(tables.taken)) as copy:
        for number, (key, document, base, is_written) in enumerate(documents, 1):
            copy.write_row((number, list(key), _text(document), _text(base), is_written))
    cursor.execute(sql.SQL("ANALYZE {}").format(tables.taken))
    return number


def _text(document: bytes | None) -> str | None:
    return None if document is None else document.decode()
