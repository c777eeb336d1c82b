"""SQL of a snapshot, looked at before it becomes a part of a statement.

Defaults, checks, generated columns and bounds come as the catalog of another database wrote
them, and a snapshot may come from anywhere. So each piece has to be one piece, without a
comment, an end mark, or a bracket that it does not open itself; what it calls is told.

Source: PostgreSQL documentation, "Lexical Structure".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from gitexport.errors import ConfigError

_TOKEN = re.compile(
    r"""
      (?P<literal>
          [eE]'(?:''|\\.|[^'\\])*' | [bBxX]?'(?:''|[^'])*'
        | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
      )
    | (?P<name>(?:"(?:""|[^"])+"|[^\W\d][\w$]*)(?:\.(?:"(?:""|[^"])+"|[^\W\d][\w$]*))*)
    | (?P<number>\d[\w.]*)
    | (?P<bad>--|/\*|\*/|;|['"\\\x00]|\$)
    | (?P<other>\s+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = r'(?:"(?:""|[^"\x00])+"|[^\W\d][\w$]*)'
_TYPE = re.compile(rf"{_WORD}(?:\.{_WORD})?(?: {_WORD})*(?:\([\w ,.+-]*\))?(?: {_WORD})*(?:\[\])*")
_COLLATION = re.compile(rf"{_WORD}(?:\.{_WORD})?")
_PART = re.compile(_WORD)
_CHECK = re.compile(r"CHECK \((.*)\)( NO INHERIT)?( NOT VALID)?( NOT ENFORCED)?", re.DOTALL)
_BOUND = re.compile(
    r"DEFAULT|FOR VALUES (?:IN \(.*\)|FROM \(.*\) TO \(.*\)|WITH \(modulus \d+, remainder \d+\))",
    re.DOTALL,
)
_BOUND_WORDS = frozenset(
    {
        "DEFAULT", "FOR", "VALUES", "IN", "FROM", "TO", "WITH", "MINVALUE", "MAXVALUE", "NULL",
        "true", "false", "modulus", "remainder",
    }
)  # fmt: skip
_PARTITION_KEY = re.compile(r"(?:RANGE|LIST|HASH) \(.*\)", re.DOTALL)
_KEY = re.compile(r"(?:PRIMARY KEY|UNIQUE(?: NULLS NOT DISTINCT)?|EXCLUDE USING) .*", re.DOTALL)
_TEMPORAL_KEY = re.compile(r"(?:PRIMARY KEY|UNIQUE) \(.* WITHOUT OVERLAPS\).*", re.DOTALL)
_SEQUENCE = re.compile(r"nextval\((\()?'((?:''|[^'])+)'(?(1)::text\))::regclass\)")


class Call(NamedTuple):
    """A function that is called; `schema` is None where the call names none."""

    schema: str | None
    name: str


def check_expression(text: str, where: str) -> str:
    """Gives an expression back if it can stand between brackets.

    Raises:
        ConfigError: It cannot.
    """
    depth = 0
    for token in _TOKEN.finditer(text):
        if token["bad"]:
            raise _refused(text, where, f"it holds {token['bad']!r}")
        depth += {"(": 1, ")": -1}.get(token["other"] or "", 0)
        if depth < 0:
            break
    if depth or not text.strip():
        raise _refused(text, where, "its brackets do not match" if depth else "it is empty")
    return text


def check_definition(text: str, where: str) -> str:
    """Gives the definition of a check constraint back.

    Raises:
        ConfigError: It is none.
    """
    found = _CHECK.fullmatch(text)
    if found is None:
        raise _refused(text, where, "it is no check")
    check_expression(found[1], where)
    return text


def check_key(text: str, where: str) -> str:
    """Gives the definition of a primary key, unique or exclusion constraint back.

    Raises:
        ConfigError: It is none.
    """
    return _checked(_KEY, text, where, "it is neither a key nor an exclusion")


def is_temporal_key(text: str) -> bool:
    """Tells whether a definition is that of a key whose periods may not overlap."""
    return _TEMPORAL_KEY.fullmatch(text) is not None


def check_bound(text: str, where: str) -> str:
    """Gives the bound of a partition back: constants, as the catalog writes them.

    A bound is computed when the partition is made, so nothing else may stand in it.

    Raises:
        ConfigError: It is none.
    """
    _checked(_BOUND, text, where, "it is no bound of a partition")
    names = {token["name"] for token in _TOKEN.finditer(text) if token["name"]}
    if not names <= _BOUND_WORDS:
        raise _refused(text, where, "it holds more than constants")
    return text


def check_partition_key(text: str, where: str) -> str:
    """Gives what comes after PARTITION BY back.

    Raises:
        ConfigError: It does not belong there.
    """
    return _checked(_PARTITION_KEY, text, where, "it is no key of partitions")


def check_type(text: str, where: str) -> str:
    """Gives the name of a type back, with its modifier and brackets.

    Raises:
        ConfigError: It is none.
    """
    return _matching(_TYPE, text, where, "it is no type")


def check_collation(text: str, where: str) -> str:
    """Gives the name of a collation back.

    Raises:
        ConfigError: It is none.
    """
    return _matching(_COLLATION, text, where, "it is no collation")


def calls_of(text: str) -> Iterator[Call]:
    """Yields the functions that an expression calls, and key words that look like one."""
    name: str | None = None
    for token in _TOKEN.finditer(text):
        if token["name"]:
            name = token["name"]
        elif token["other"] == "(" and name is not None:
            yield _call(name)
            name = None
        elif not (token["other"] or "").isspace():
            name = None


def sequences_of(text: str) -> list[str]:
    """Lists the sequences that an expression takes numbers from, as SQL writes their names."""
    return [name.replace("''", "'") for _, name in _SEQUENCE.findall(text)]


def unquoted(name: str) -> str:
    """Reads an identifier as the catalog writes it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _call(name: str) -> Call:
    *schemas, last = map(unquoted, _PART.findall(name))
    return Call(schemas[-1] if schemas else None, last)


def _checked(pattern: re.Pattern[str], text: str, where: str, reason: str) -> str:
    return check_expression(_matching(pattern, text, where, reason), where)


def _matching(pattern: re.Pattern[str], text: str, where: str, reason: str) -> str:
    if pattern.fullmatch(text) is None:
        raise _refused(text, where, reason)
    return text


def _refused(text: str, where: str, reason: str) -> ConfigError:
    shown = text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004 - what a line holds
    message = f"'{shown}' is not used as SQL: {reason}"
    return ConfigError(message, where=where, hint="make the relation by hand, without --create")
