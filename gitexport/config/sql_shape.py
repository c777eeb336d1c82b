"""A first look at SQL from the configuration, before any server sees it.

It finds what would change the statement around it: an open quote or comment, a bracket too
many, a second statement. Whether the SQL means anything is for the server to say.
Source: "Lexical Structure", https://www.postgresql.org/docs/current/sql-syntax-lexical.html.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      (?P<quoted>
          \b[eE]'(?:\\.|''|[^'\\])*'
        | '(?:''|[^'])*'
        | "(?:""|[^"])*"
        | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
      )
    | (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<stray>['"])
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_STARTS = re.compile(r"(?:select|with|values|table)\b|\(", re.IGNORECASE)
_WHERE = re.compile(r"where\b", re.IGNORECASE)


def check_condition(text: str) -> str:
    """Gives a condition back if it can stand between brackets after WHERE.

    Raises:
        ValueError: It cannot.
    """
    if _WHERE.match(_skeleton(text)):
        message = "the condition stands without the word WHERE"
        raise ValueError(message)
    return text


def check_query(text: str) -> str:
    """Gives a query back if it is one statement that reads.

    Raises:
        ValueError: It is not.
    """
    if not _STARTS.match(_skeleton(text)):
        message = "a query starts with SELECT, WITH, VALUES or TABLE"
        raise ValueError(message)
    return text


def _skeleton(text: str) -> str:
    """Gives the text without comments, each quoted piece as `''`.

    Raises:
        ValueError: The text is not one complete piece of SQL.
    """
    pieces, position = [], 0
    while match := _TOKEN.search(text, position):
        pieces.append(text[position : match.start()])
        position = match.end()
        if match["stray"]:
            message = "a quote is never closed"
            raise ValueError(message)
        if match["block"]:
            position = _end_of_comment(text, position)
        pieces.append("''" if match["quoted"] else " ")
    skeleton = ("".join(pieces) + text[position:]).strip()
    _check_brackets(skeleton)
    return skeleton


def _check_brackets(skeleton: str) -> None:
    depth = 0
    for char in skeleton:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth < 0:
            break
    problems = {
        "there is no SQL in it": not skeleton,
        "';' is not allowed: one statement, without an end mark": ";" in skeleton,
        "')' closes a bracket that was never opened": depth < 0,
        "'(' is never closed": depth > 0,
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ValueError(problem)


def _end_of_comment(text: str, position: int) -> int:
    depth = 1
    while depth:
        mark = _COMMENT_MARK.search(text, position)
        if mark is None:
            message = "a comment is never closed"
            raise ValueError(message)
        depth += 1 if mark.group() == "/*" else -1
        position = mark.end()
    return position
