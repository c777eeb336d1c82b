"""Writes a comparison as Markdown that fits the comment of a pull request.

Every text of the data stands in a code span: there no host finds links, mentions, HTML or
markup. What would end a span or a table's cell is written as an escape of JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from gitexport.compare.changed_document import ChangedDocument
from gitexport.compare.comparison import Comparison
from gitexport.compare.formats import Write
from gitexport.compare.formats.visible import (
    differing_parts,
    document_name,
    json_text,
    name_text,
    shortened,
)
from gitexport.model.changeset import (
    ChangeCounts,
    ChangedFile,
    ChangeKind,
    FieldChange,
    FileRole,
)
from gitexport.model.counted import counted

MOST_BYTES = 60_000
"""Comments hold 65,536 characters; the rest is for what people write around it."""

MARK = "<!-- gitexport compare -->"
"""By its first line a bot finds the comment that it has to renew."""

_MOST_ENTITIES = 100
_MOST_FILES = 20
_MOST_FIELDS = 20
_MOST_CHARACTERS = 120
_CONTEXT = 30
_UNFOLDED_LINES = 12
_FURNITURE = 400
"""Bytes of an entity's heading, fold and table head."""


def write(comparison: Comparison, out: Write) -> None:
    """Writes counts of all entities, then changes as far as there is room, fairly shared."""
    entities: dict[str, _Entity] = {}
    for document in comparison.changes():
        name = document.change.entity
        entities.setdefault(name, _Entity(name)).add(document)
    head = "".join(_head(comparison))
    out(head)
    room = MOST_BYTES - len(head.encode()) - _FURNITURE
    waiting = sorted(entities.values(), key=lambda entity: entity.size)
    shares: dict[str, int] = {}
    for place, entity in enumerate(waiting):
        # Entities that need less than their share leave it to the larger ones.
        shares[entity.name] = min(entity.size, room // (len(waiting) - place))
        room -= shares[entity.name]
    left = ChangeCounts()
    entities_left = 0
    for name, entity in entities.items():
        text = entity.text(comparison.counts[name], shares[name])
        if not text:
            left += comparison.counts[name]
            entities_left += 1
        out(text)
    if entities_left:
        entities_ = counted(entities_left, "entity", "entities")
        are = "is" if left.total == 1 else "are"
        out(f"\n{counted(left.total, 'document')} of {entities_} {are} not shown here.\n")


def _head(comparison: Comparison) -> Iterator[str]:
    yield f"{MARK}\n"
    yield f"## Data changes from {_code(comparison.base.name)} to {_code(comparison.target.name)}\n"
    if comparison.is_empty:
        yield "\nNothing differs.\n"
        return
    if comparison.counts:
        yield "\n| entity | added | modified | deleted | renamed | rewritten |\n"
        yield "|---|--:|--:|--:|--:|--:|\n"
    for name, counts in list(comparison.counts.items())[:_MOST_ENTITIES]:
        yield _counts_row(_code(name_text(name)), counts)
    left = len(comparison.counts) - _MOST_ENTITIES
    if left > 0:
        yield f"\n… and {counted(left, 'more entity', 'more entities')}.\n"
    elif len(comparison.counts) > 1:
        yield _counts_row("**all**", comparison.total)
    yield from _files(comparison.files)


def _counts_row(name: str, counts: ChangeCounts) -> str:
    cells = [f"{getattr(counts, kind.value):,}" for kind in ChangeKind]
    return f"| {name} | {' | '.join(cells)} |\n"


def _files(changed: tuple[ChangedFile, ...]) -> Iterator[str]:
    # The manifest counts documents, so it differs whenever they do.
    files = [file for file in changed if file.role is not FileRole.MANIFEST]
    if not files:
        return
    names = [f"{_code(name_text(file.path))} ({file.kind.value})" for file in files[:_MOST_FILES]]
    left = len(files) - _MOST_FILES
    more = f" and {left:,} more" if left > 0 else ""
    yield f"\nOther files: {', '.join(names)}{more}.\n"


@dataclass
class _Entity:
    """What is shown of one entity: as many lines as a comment can hold at most."""

    name: str
    blocks: list[str] = field(default_factory=list)
    size: int = _FURNITURE

    def add(self, document: ChangedDocument) -> None:
        """Keeps a document's lines, while there can be room for them."""
        if self.size < MOST_BYTES:
            self.blocks.append("".join(_document_lines(document)))
            self.size += len(self.blocks[-1].encode())

    def text(self, counts: ChangeCounts, most: int) -> str:
        """Writes as many documents as fit, and how many do not; nothing where none does."""
        shown: list[str] = []
        size = _FURNITURE
        for block in self.blocks:
            size += len(block.encode())
            if size > most:
                break
            shown.append(block)
        left = counts.total - len(shown)
        body = "| document | field | old | new |\n|---|---|---|---|\n" + "".join(shown)
        more = (
            f"\n{counted(left, 'more document is', 'more documents are')} not shown here.\n"
            if left
            else ""
        )
        title = f"### {_code(name_text(self.name))}\n"
        if not shown:
            return ""
        if body.count("\n") <= _UNFOLDED_LINES:
            return f"\n{title}\n{body}{more}"
        # Markdown is not read inside of a summary, so its text is HTML.
        documents = counted(len(shown), "document")
        summary = f"<code>{escape(name_text(self.name))}</code>: {documents}"
        return f"\n<details><summary>{summary}</summary>\n\n{body}{more}\n</details>\n"


def _document_lines(document: ChangedDocument) -> Iterator[str]:
    change = document.change
    name = f"{change.kind.value} {_code(document_name(document))}"
    label = document.label
    if label is not None:
        name += f" {_code(shortened(json_text(label), _MOST_CHARACTERS))}"
    if change.reason is not None:
        yield f"| {name} | not compared: {_code(json_text(change.reason))} | | |\n"
        return
    if not change.fields or change.kind in {ChangeKind.RENAMED, ChangeKind.REWRITTEN}:
        yield f"| {name} | | | |\n"
        return
    for place, changed in enumerate(change.fields[:_MOST_FIELDS]):
        pointer = _code(shortened(name_text(changed.pointer or "/"), _MOST_CHARACTERS))
        old, new = map(_code, _sides(changed))
        yield f"| {'' if place else name} | {pointer} | {old} | {new} |\n"
    left = len(change.fields) - _MOST_FIELDS
    if left > 0:
        yield f"| | … {counted(left, 'more field')} | | |\n"


def _sides(changed: FieldChange) -> tuple[str, str]:
    """Writes both sides; of long ones the part that differs, with what stands around it."""
    old, new = json_text(changed.old), json_text(changed.new)
    if max(len(old), len(new)) > _MOST_CHARACTERS:
        start = max(0, len(differing_parts(old, new)[0].before) - _CONTEXT)
        if start:
            old, new = (f"…{side[start:]}" for side in (old, new))
    return shortened(old, _MOST_CHARACTERS), shortened(new, _MOST_CHARACTERS)


def _code(text: str) -> str:
    r"""Puts JSON text or a plain name into a code span, which nothing in it can end."""
    if not text:
        return ""
    return "`" + text.replace("|", "\\u007c").replace("`", "\\u0060") + "`"
