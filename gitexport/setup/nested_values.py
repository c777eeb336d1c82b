"""Takes the JSON text of a value apart: which members it has, and what stands in them.

The text may end anywhere, as a sample's does. Depth costs nothing: nothing recurses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.?)*)(?:"(\s*:)?|$)|([\[{])|([\]}])|(-?\d[\d.eE+-]*)', re.DOTALL
)


@dataclass(slots=True)
class MemberValues:
    """What stands in all members of one name.

    `types` are types of columns that would hold the like. `digits` is the length of the
    longest whole number, `texts` are strings and whole numbers.
    """

    types: set[str] = field(default_factory=set)
    digits: int = 0
    texts: list[str] = field(default_factory=list)


def read_members(values: Iterable[str]) -> dict[str, MemberValues]:
    """Gathers what some JSON texts hold by the nearest member's name; "" is in no member."""
    members: dict[str, MemberValues] = {"": MemberValues()}
    for value in values:
        _read(value, members)
    return members


def _read(value: str, members: dict[str, MemberValues]) -> None:
    name = ""
    around: list[str] = []
    for token in _TOKEN.finditer(value):
        text, colon, opening, closing, number = token.groups()
        if colon:
            name = _unescape(text)
            members.setdefault(name, MemberValues())
            continue
        found = members[name]
        if text is not None:
            if text.strip():
                found.types.add("text")
                found.texts.append(_unescape(text))
        elif opening:
            found.types.add("json")
            around.append(name)
        elif closing:
            name = around.pop() if around else ""
        else:
            found.types.add("numeric")
            if number.isdigit():
                found.digits = max(found.digits, len(number))
                found.texts.append(number)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text
