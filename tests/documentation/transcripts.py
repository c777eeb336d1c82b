"""Runs the commands that the pages show, and compares what they print.

A fence marked `console` is a piece of one session at a shell, from the top of its page to the
end: lines that begin with `$ ` are commands, the others are output, and a line `…` stands for
lines that were left out. Comments before a fence say more:

- `<!-- not run: why -->`: this fence is not part of the session
- `<!-- file: path -->`: the content of the next fence becomes that file
- `<!-- append: path -->`: the content of the next fence is added to that file
- `<!-- setup: command -->`: a command that readers have done before, or need not see
- `<!-- database: path -->`: anywhere on the page, SQL of this repository to begin with

What differs from run to run (times, ids, the folder) does not count. Nor do lines that tell
of stages: on a terminal they are a bar that disappears. Where `echo $?` follows a command,
its output is the exit code that is expected; every other command has to succeed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from pathlib import Path

_FENCE = re.compile(r"^(`{3,})(\w*)\s*$")
_COMMENT = re.compile(r"^<!-- (not run|file|append|setup|database): (.*) -->$")
_OMITTED = "…"
HOME = "/home/ada"
DATABASE = "shop"
_STAGES = re.compile(
    r"^(?:read the catalog|write the configuration|look for private data|tracking|untracking"
    r"|reading rows|acknowledging|refreshing files|writing directories|moving documents"
    r"|reading the refs of \S+|pushing to \S+|joining what others pushed to \S+"
    r"|cloning|making relations|recognising rows|staging documents|comparing rows"
    r"|reading documents|writing the archive|planning|writing rows|exporting"
    r"|writing snapshots|resetting|planning the layout|committing"
    r"|moving files|looking at .*|asking .*)(?: \(\d+\))?$"
)
_VARIABLE = [
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?"), "TIME"),
    (re.compile(r"\b\d{8}-\d{6}\b"), "TAG"),
    (re.compile(r"^Date: .*$"), "DATE"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{7,64}\b"), "ID"),
    (re.compile(r"\b\d+\.\d\d s\b"), "T s"),
    (re.compile(r"; nothing was pending at \S+$"), ""),
    (re.compile(r"\b[\d,]+ bytes(?=, [\d,]+ members$)"), "SIZE"),
    (re.compile(r"\b\d+ (?:milliseconds|seconds?|minutes?) ago\b|\bjust now\b"), "AGO"),
    (re.compile(r"\b\d+(?= ms\b)"), "MS"),
    (
        re.compile(r'("(?:duration_ms|read|trees|commit|acknowledge|catch up|working tree)":)\d+'),
        r"\1MS",
    ),
    (re.compile(r" +"), " "),
]


class Kind(Enum):
    """What a step of a session does."""

    COMMAND = "command"
    SETUP = "setup"
    FILE = "file"
    APPEND = "append"


@dataclass(slots=True)
class Step:
    """One command with its expected output, or one file; `first` and `last` are line indexes.

    For a command they enclose its output, which `last` does not belong to.
    """

    kind: Kind
    text: str
    first: int
    last: int
    output: list[str] = field(default_factory=list)
    expected_code: int = 0


@dataclass(slots=True)
class Page:
    """The session of one page; `database` is SQL to begin with."""

    path: Path
    lines: list[str]
    steps: list[Step]
    database: str | None = None


def read_page(path: Path) -> Page:
    """Reads the session of a page."""
    lines = path.read_text(encoding="utf-8").split("\n")
    page = Page(path, lines, [])
    note: tuple[str, str] | None = None
    number = 0
    while number < len(lines):
        comment = _COMMENT.match(lines[number])
        fence = _FENCE.match(lines[number])
        if comment and comment[1] == "database":
            page.database = comment[2]
        elif comment and comment[1] == "setup":
            page.steps.append(Step(Kind.SETUP, comment[2], number, number))
        elif comment:
            note = (comment[1], comment[2])
        elif fence:
            end = lines.index(fence[1], number + 1)
            _read_fence(page, note, fence[2], number + 1, end)
            note, number = None, end
        number += 1
    _expect_codes(page.steps)
    return page


def _read_fence(
    page: Page, note: tuple[str, str] | None, language: str, start: int, end: int
) -> None:
    if note is not None and note[0] != "not run":
        text = "\n".join(page.lines[start:end]) + "\n"
        page.steps.append(Step(Kind(note[0]), text, start, end, [note[1]]))
    elif note is None and language == "console":
        page.steps += _commands(page.lines, start, end)


def _commands(lines: Sequence[str], start: int, end: int) -> Iterator[Step]:
    number = start
    while number < end:
        assert lines[number].startswith("$ "), f"line {number + 1}: no command before its output"
        text = lines[number][2:]
        number += 1
        first = number
        while number < end and not lines[number].startswith("$ "):
            number += 1
        yield Step(Kind.COMMAND, text, first, number, list(lines[first:number]))


def _expect_codes(steps: Sequence[Step]) -> None:
    for step, following in pairwise(steps):
        if following.text == "echo $?" and following.output:
            step.expected_code = int(following.output[0])


def matches(expected: Sequence[str], actual: Sequence[str]) -> bool:
    """Tells whether output is what a page shows, but for what differs from run to run."""
    parts: list[list[str]] = [[]]
    for line in expected:
        if line.strip() == _OMITTED:
            parts.append([])
        else:
            parts[-1].append(normal(line))
    rest = [normal(line) for line in actual]
    head, *others = parts
    if rest[: len(head)] != head:
        return False
    if not others:
        return len(rest) == len(head)
    rest = rest[len(head) :]
    *middle, tail = others
    for part in middle:
        place = _find(part, rest)
        if place is None:
            return False
        rest = rest[place + len(part) :]
    return not tail or rest[-len(tail) :] == tail


def _find(part: Sequence[str], lines: Sequence[str]) -> int | None:
    places = range(len(lines) - len(part) + 1)
    return next((at for at in places if lines[at : at + len(part)] == list(part)), None)


def normal(line: str) -> str:
    """Writes one line without what differs from run to run."""
    for pattern, word in _VARIABLE:
        line = pattern.sub(word, line)
    return line.strip()


def shown(output: str, home: Path, database: str) -> list[str]:
    """Gives the lines of an output as a page shows them."""
    text = output.replace(str(home), HOME).replace(database, DATABASE).rstrip("\n")
    lines = [line.rstrip() for line in text.split("\n")] if text else []
    return [line for line in lines if not _STAGES.match(line)]
