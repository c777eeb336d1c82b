"""Makes statements that carry people's names or SQL and take parameters.

With parameters, psycopg looks for placeholders in the whole text of a statement, in quoted
names, literals and people's SQL, too; it doubles no `%` in any of them. So here only
`sql.Placeholder` stands for a parameter, and every other `%` is what it says.

Source: psycopg documentation, "Passing parameters to SQL queries".
"""

from __future__ import annotations

from psycopg import sql


def parametrised(statement: sql.Composable) -> bytes:
    """Gives the text of a statement that is executed with parameters.

    Parameters go where it has a `sql.Placeholder`; a `%s` anywhere else is plain text.
    """
    return _text(statement).encode()


def _text(part: sql.Composable) -> str:
    if isinstance(part, sql.Composed):
        return "".join(map(_text, part))
    text = part.as_string(None)
    return text if isinstance(part, sql.Placeholder) else text.replace("%", "%%")
