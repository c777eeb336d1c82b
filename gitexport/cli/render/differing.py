"""Two values side by side, cut to the part in which they differ."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple, cast

from gitexport.cli.plain import one_line
from gitexport.model.changeset import ABSENT, FieldChange

if TYPE_CHECKING:
    from gitexport.canonical.value import JsonValue

ELLIPSIS = "…"
WIDTH = 72
"""How long a value may be on a line."""
_CONTEXT = 16
_MOST_CHARACTERS = 2_000


class Piece(NamedTuple):
    """A part of a value's text, and whether the other value has it, too."""

    text: str
    is_same: bool


def value_text(value: object) -> str:
    """Writes a value as JSON on one harmless line; nothing for an absent one."""
    from gitexport.canonical.value import dumps_line

    if value is ABSENT:
        return ""
    return one_line(dumps_line(cast("JsonValue", value)).decode())


def field_text(field: FieldChange) -> str:
    """Writes one field's line, long values cut around the place where they differ."""
    pointer = field.pointer or "/"
    if field.old is ABSENT:
        return f"+ {pointer}: {short_text(field.new)}"
    if field.new is ABSENT:
        return f"- {pointer}: {short_text(field.old)}"
    old, new = excerpts(value_text(field.old), value_text(field.new), WIDTH)
    return f"~ {pointer}: {old} -> {new}"


def short_text(value: object) -> str:
    """Writes a value as JSON on one harmless line, cut where it is long."""
    return shortened(value_text(value), WIDTH)


def shortened(text: str, width: int) -> str:
    """Cuts a text to a width."""
    return text if len(text) <= width else text[: width - 1] + ELLIPSIS


def excerpts(old: str, new: str, width: int) -> tuple[str, str]:
    """Cuts two texts to a width so that the place where they begin to differ is seen."""
    start = 0
    if max(len(old), len(new)) > width:
        shared = takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))
        start = max(0, sum(1 for _pair in shared) - _CONTEXT)
    return _excerpt(old, start, width), _excerpt(new, start, width)


def pieces(old: str, new: str, width: int) -> tuple[list[Piece], list[Piece]]:
    """Cuts two texts into what they share and what not; long shared parts lose their middle."""
    if max(len(old), len(new)) > _MOST_CHARACTERS:
        old, new = excerpts(old, new, _MOST_CHARACTERS)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    before: list[Piece] = []
    after: list[Piece] = []
    is_long = max(len(old), len(new)) > width
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            shared = Piece(_elided(old[i:j]) if is_long else old[i:j], is_same=True)
            before.append(shared)
            after.append(shared)
            continue
        if i != j:
            before.append(Piece(old[i:j], is_same=False))
        if k != m:
            after.append(Piece(new[k:m], is_same=False))
    return before, after


def _excerpt(text: str, start: int, width: int) -> str:
    lead = ELLIPSIS if start else ""
    return lead + shortened(text[start:], width - len(lead))


def _elided(text: str) -> str:
    if len(text) <= 3 * _CONTEXT:
        return text
    return text[:_CONTEXT] + ELLIPSIS + text[-_CONTEXT:]
