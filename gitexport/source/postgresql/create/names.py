"""Names and literals as SQL writes them."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from gitexport.errors import ConfigError
from gitexport.model.relation import RelationName


def quoted(*parts: str) -> str:
    """Quotes the parts of a name and joins them with dots.

    Raises:
        ConfigError: No name can be like that.
    """
    if any(not part or "\0" in part for part in parts):
        message = "a name is empty, or holds a NUL character"
        raise ConfigError(message, where=".".join(parts))
    return sql.Identifier(*parts).as_string(None)


def listed(names: Sequence[str]) -> str:
    """Quotes some names and joins them with commas."""
    return ", ".join(quoted(name) for name in names)


def literal(text: str) -> str:
    """Writes text as a constant.

    Raises:
        ConfigError: It holds a NUL character, which no text of a database does.
    """
    if "\0" in text:
        message = "a text holds a NUL character"
        raise ConfigError(message, where=text)
    return sql.Literal(text).as_string(None)


def name_of_type(type_name: str) -> str:
    """Gives the name of a type without its modifier and brackets."""
    name = type_name
    while name.endswith("[]"):
        name = name[:-2]
    return name.partition("(")[0] if not name.endswith('"') else name


def qualified(name: str, where: str) -> RelationName:
    """Reads a name with its schema, as the catalog writes it.

    Raises:
        ConfigError: It is none.
    """
    try:
        return RelationName.parse(name)
    except ValueError as error:
        message = f"{error}"
        raise ConfigError(message, where=where) from error
