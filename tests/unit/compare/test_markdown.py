"""Markdown of a comparison, read by a parser of Markdown as the judge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gitexport.canonical.value import JsonValue, canonical_value
from gitexport.compare.formats.markdown import MOST_BYTES
from gitexport.model.changeset import ChangedFile, ChangeKind, FileRole
from gitexport.model.relation import Column
from tests.fixtures.comparisons import Pair, compared, formatted, stored_entity
from tests.fixtures.hostile import HOSTILE

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens(text: str) -> Iterator[Token]:
    """Yields all tokens, those inside of others too."""
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def user(number: int, **members: JsonValue) -> bytes:
    """Makes a document."""
    return canonical_value({"id": number, **members})


def test_counts_come_first_and_changes_stand_in_tables() -> None:
    pairs = [
        Pair(("1",), None, user(1, name="Ann")),
        Pair(("2",), user(2, name="Bob", size=1), user(2, name="Bea", size=1)),
        Pair(("3",), user(3, name="Eve"), None),
        Pair(("5",), user(4), user(5), old_key=("4",)),
    ]

    text = formatted("markdown", compared({"users": pairs}, label="name"))

    assert text.splitlines() == [
        "<!-- gitexport compare -->",
        "## Data changes from `20250622-072114` to `20250623-072114`",
        "",
        "| entity | added | modified | deleted | renamed | rewritten |",
        "|---|--:|--:|--:|--:|--:|",
        "| `users` | 1 | 1 | 1 | 1 | 0 |",
        "",
        "### `users`",
        "",
        "| document | field | old | new |",
        "|---|---|---|---|",
        '| added `1` `"Ann"` | `/id` |  | `1` |',
        '|  | `/name` |  | `"Ann"` |',
        '| modified `2` `"Bea"` | `/name` | `"Bob"` | `"Bea"` |',
        '| deleted `3` `"Eve"` | `/id` | `3` |  |',
        '|  | `/name` | `"Eve"` |  |',
        '| renamed `"4 → 5"` | | | |'.replace('"', ""),
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("place", ["value", "key", "label", "member", "nested"])
def test_hostile_text_stays_inside_of_code(hostile: str, place: str) -> None:
    old: dict[str, JsonValue] = {"id": 1, "name": "label", "v": "x"}
    changed: dict[str, dict[str, JsonValue]] = {
        "value": {"v": hostile},
        "key": {"v": 1},
        "label": {"name": hostile},
        "member": {hostile: 1},
        "nested": {"v": [{hostile: 1}]},
    }
    key = (hostile,) if place == "key" else ("1",)
    pair = Pair(key, canonical_value(old), canonical_value(old | changed[place]))
    entity = stored_entity("users", Column("id", "text"))

    text = formatted("markdown", compared({"users": [pair]}, {"users": entity}, label="name"))

    assert text.replace("\n", "").isprintable()
    found = list(tokens(text))
    kinds = {token.type for token in found}
    assert not kinds & {"html_inline", "link_open", "image", "em_open", "strong_open", "s_open"}
    assert [token.content.strip() for token in found if token.type == "html_block"] == [
        "<!-- gitexport compare -->"
    ]
    # A table of five columns and counts, and one of four with the changes.
    cells = [token.type for token in found].count("td_open")
    rows = [token.type for token in found].count("tr_open") - 3
    assert cells == 6 + 4 * rows
    words = {token.content for token in found if token.type == "text"}
    assert words <= {
        *("entity", "added", "modified", "deleted", "renamed", "rewritten", "0", "1"),
        *("document", "field", "old", "new", "Data changes from ", " to ", "modified ", " "),
    }
    assert hostile in _shown(found)


def _shown(found: list[Token]) -> set[str]:
    """Gives the texts that code spans show, JSON strings decoded."""
    shown: set[str] = set()
    for token in found:
        if token.type != "code_inline":
            continue
        shown.add(token.content.removeprefix("/"))
        try:
            value = json.loads(token.content)
        except ValueError:
            continue
        for text in _strings(value):
            pointer = text.removeprefix("/").replace("~1", "/").replace("~0", "~")
            shown |= {text, pointer, re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)}
    return shown


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _strings(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)


def test_long_changes_fit_a_comment_and_say_what_is_missing() -> None:
    many = [Pair((str(n),), user(n, v="a" * 500), user(n, v="é" * 500)) for n in range(2000)]
    few = [Pair((str(n),), None, user(n)) for n in range(3)]

    text = formatted("markdown", compared({"many": many, "few": few}))

    assert MOST_BYTES * 0.9 < len(text.encode()) <= MOST_BYTES
    (left,) = re.findall(r"([\d,]+) more documents are not shown here\.", text)
    shown = len(re.findall(r"^\| modified", text, re.MULTILINE))
    assert shown + int(left.replace(",", "")) == 2000
    # Small entities are shown whole beside a large one.
    assert len(re.findall(r"^\| added", text, re.MULTILINE)) == 3
    assert text.count("<details>") == text.count("</details>") == 1


def test_many_entities_fit_too() -> None:
    entities = {f"entity_{n}": [Pair(("1",), None, user(1, v="x" * 300))] for n in range(1500)}

    text = formatted("markdown", compared(entities))

    assert len(text.encode()) <= MOST_BYTES
    assert "… and 1,400 more entities." in text


def test_long_values_show_where_they_differ() -> None:
    old, new = "a" * 500 + "old" + "b" * 500, "a" * 500 + "new" + "b" * 500

    text = formatted(
        "markdown", compared({"users": [Pair(("1",), user(1, v=old), user(1, v=new))]})
    )

    assert "aold" in text
    assert "anew" in text
    assert "characters)" in text
    assert len(text) < 1200


def test_wide_documents_are_cut() -> None:
    wide = user(1, **{f"c{n:03}": n for n in range(100)})

    text = formatted("markdown", compared({"users": [Pair(("1",), None, wide)]}))

    assert "… 81 more fields" in text


def test_document_that_was_not_compared_says_why() -> None:
    pairs = [Pair(("1",), user(1), b'{"a": 1, "a`|": 1, "a`|": 2}')]

    text = formatted("markdown", compared({"users": pairs}))

    assert "not compared" in text
    assert [token for token in tokens(text) if token.type == "html_inline"] == []


def test_nothing_and_other_files() -> None:
    empty = compared({})
    assert formatted("markdown", empty).endswith("\nNothing differs.\n")

    empty.files = (
        ChangedFile("relations/a|`b.json", FileRole.RELATION, ChangeKind.ADDED),
        ChangedFile("manifest.json", FileRole.MANIFEST, ChangeKind.MODIFIED),
    )
    assert 'Other files: `"relations/a\\u007c\\u0060b.json"` (added).' in formatted(
        "markdown", empty
    )
