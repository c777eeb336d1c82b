"""Finds columns that look personal or secret, by their names and by what a few rows hold.

A hint for the person who decides what becomes public, never a proof of the opposite. Values
stay here: a finding says what a column looks like, not what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gitexport.model.relation import Column, Relation
from gitexport.setup.base_types import element_type
from gitexport.setup.nested_values import MemberValues, read_members
from gitexport.setup.private_rules import what_name_says, what_values_say

SAMPLE_ROWS = 200
_WORD_LIKE = re.compile(r"[^\W\d][\w .-]{0,39}")
_SHOWN = 3
_MOST_NAMES = 100
"""More names of members than this are data, and what stands in one proves little."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A column that looks private: what it looks like, and what told so.

    `place` is where inside of the column's values it was found, empty where the whole column
    looks so. It names members of JSON objects, never a value.
    """

    entity: str
    column: str
    what: str
    by: str
    place: str = ""

    @property
    def sentence(self) -> str:
        """One line for people."""
        looks = f"holds, in {self.place}, what looks" if self.place else "looks"
        return f"column '{self.column}' of '{self.entity}' {looks} like {self.what} ({self.by})"


def find_private_columns(
    entity: str,
    relation: Relation,
    published: Sequence[str],
    rows: Sequence[Sequence[str | None]],
) -> list[Finding]:
    """Lists the published columns that look private, one finding for each thing they look like.

    `rows` are a source's sample, in the relation's order.
    """
    findings = []
    for place, column in enumerate(relation.columns):
        if column.name not in published:
            continue
        values = [row[place] or "" for row in rows]
        members = {} if column.is_plain else read_members(values)
        whole = _whole(relation, column, values if column.is_plain else _unnamed(members))
        found = [] if whole is None else [(*whole, "")]
        found += [
            (what, by, where)
            for what, by, where in _in_members(members)
            if whole is None or what != whole[0]
        ]
        findings += [Finding(entity, column.name, *one) for one in found]
    return findings


def _whole(relation: Relation, column: Column, values: Sequence[str]) -> tuple[str, str] | None:
    by_name = what_name_says(column.name, element_type(relation, column.type_name))
    return _judge(by_name, what_values_say(values))


def _judge(by_name: str | None, by_content: str | None) -> tuple[str, str] | None:
    what = by_content or by_name
    if what is None:
        return None
    both = by_name is not None and by_content is not None
    return what, "by name and content" if both else "by name" if by_name else "by content"


def _unnamed(members: dict[str, MemberValues]) -> list[str]:
    """Gives what stands in no member, or in one whose name is data itself, such as an id."""
    return [
        text
        for name, found in members.items()
        if len(members) > _MOST_NAMES or not (name and _is_word(name))
        for text in found.texts
    ]


def _is_word(name: str) -> bool:
    return _WORD_LIKE.fullmatch(name) is not None and what_values_say([name]) is None


def _in_members(members: dict[str, MemberValues]) -> list[tuple[str, str, str]]:
    """Lists what members look like, what told so, and where."""
    places: dict[tuple[str, str], list[str]] = {}
    for name, found in members.items():
        if name and _is_word(name):
            by_names = (what_name_says(name, kind, found.digits) for kind in sorted(found.types))
            texts = found.texts if len(members) <= _MOST_NAMES else []
            judged = _judge(next(filter(None, by_names), None), what_values_say(texts))
            if judged is not None:
                places.setdefault(judged, []).append(name)
    listed = [(*judged, _members(names)) for judged, names in places.items()]
    what = what_values_say([name for name in members if name])
    # A name that is data itself is no place that could be told.
    return [*listed, (what, "by content", "names of members")] if what else listed


def _members(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    more = f", … ({len(names)})" if len(names) > _SHOWN else ""
    return f"{'member' if len(names) == 1 else 'members'} {shown}{more}"
