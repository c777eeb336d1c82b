"""The exit codes, in words, as every command's help lists them."""

from __future__ import annotations

from collections.abc import Iterable

EXIT_CODES = {
    0: "done, also when there was nothing to do",
    1: "differences were found",
    2: "usage or configuration",
    3: "done, but something was quarantined",
    4: "another run holds the lock",
    5: "push failed or not confirmed",
    6: "needs a decision; the message names every way on",
    7: "the data repository is damaged",
    8: "the source is not available",
    9: "a conflict in restore, revert, apply or import",
    10: "the machine refused: disk, memory or permission",
    70: "a bug in gitexport",
    130: "interrupted",
    141: "the reader of the output went away",
}
_ALWAYS = (0, 2, 10, 70, 130, 141)


def codes_of(*own: int) -> tuple[int, ...]:
    """Gives the codes of a command: its own, and those that any command can end with."""
    return tuple(sorted({*_ALWAYS, *own}))


def describe(codes: Iterable[int]) -> list[tuple[str, str]]:
    """Pairs each code with its words."""
    return [(str(code), EXIT_CODES[code]) for code in codes]


def first_of(*codes: int) -> int:
    """Chooses the code to end with where several apply."""
    present = [code for code in codes if code]
    return next((code for code in _PRECEDENCE if code in present), max(present, default=0))


_PRECEDENCE = (70, 7, 8, 10, 9, 6, 4, 5, 3)
