"""Reads a history database with sqlite3 alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any


def ask(file: Path, query: str, *values: object) -> list[Any]:
    """Gives the rows of a query, checking the file first."""
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def dump(file: Path) -> list[str]:
    """Gives everything that a file holds, as SQL."""
    connection = sqlite3.connect(file)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()
