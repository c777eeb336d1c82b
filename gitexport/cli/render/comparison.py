"""A comparison as text: lines in a pipe or a file, tables on a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from gitexport.cli.plain import one_line
from gitexport.cli.render.changes import STYLES
from gitexport.cli.render.differing import WIDTH, field_text, pieces, shortened, value_text
from gitexport.cli.render.output import Output, aligned, one_line_keeping_indent
from gitexport.model.address import format_address
from gitexport.model.changeset import (
    ABSENT,
    ChangedFile,
    ChangeKind,
    ComparedSide,
    DocumentChange,
    FieldChange,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gitexport.compare.changed_document import ChangedDocument
    from gitexport.compare.comparison import Comparison

_PREVIEW = 240
_TABLE_ROWS = 200
_KINDS = tuple(kind.value for kind in ChangeKind)


def write_plain(comparison: Comparison, out: Callable[[str], object]) -> None:
    """Writes one line for each document, field and file, then the counts. Equal each time."""
    for document in comparison.changes():
        for line in document_lines(document):
            out(one_line_keeping_indent(line) + "\n")
    for file in comparison.files:
        out(one_line(f"{file.kind.mark} {file.path}  ({file.role.value})") + "\n")
    if not comparison.is_empty:
        out("\n")
    write_counts(comparison, out)


def document_lines(document: ChangedDocument) -> Iterator[str]:
    """Yields a document's line and those of its fields."""
    change = document.change
    yield f"{change.kind.mark} {_title(document)}"
    if change.reason is not None:
        yield f"    not compared: {change.reason}"
    elif change.kind is ChangeKind.MODIFIED:
        for field in change.fields:
            yield "    " + field_text(field)


def write_names(comparison: Comparison, out: Callable[[str], object]) -> None:
    """Writes the path of each document and file, where it stands in the target."""
    for document in comparison.changes():
        out(one_line(document.change.path) + "\n")
    for file in comparison.files:
        out(one_line(file.path) + "\n")


def write_all_counts(comparison: Comparison, out: Callable[[str], object]) -> None:
    """Counts everything that differs, and writes the counts alone."""
    deque(comparison.changes(), maxlen=0)
    write_counts(comparison, out)


def write_counts(comparison: Comparison, out: Callable[[str], object]) -> None:
    """Writes how many documents of each entity differ, and how many files."""
    headers, rows = count_rows(comparison)
    if rows:
        lines = aligned([headers, *rows], [False] + [True] * len(_KINDS))
        out("".join(line + "\n" for line in lines))
    if comparison.files:
        out(f"files: {len(comparison.files)}\n")


def count_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Gives the heads and the rows of the table of counts."""
    rows = [
        [one_line(name), *(f"{getattr(counts, kind):,}" for kind in _KINDS)]
        for name, counts in comparison.counts.items()
    ]
    if len(rows) > 1:
        rows.append(["total", *(f"{getattr(comparison.total, kind):,}" for kind in _KINDS)])
    return ["entity", *_KINDS], rows


def print_tables(comparison: Comparison, output: Output) -> None:
    """Shows a table for each entity, old and new side by side, and the counts at the end."""
    from rich.text import Text

    console = output.console()
    console.print(Text(f"{_side(comparison.base)} → {_side(comparison.target)}", style="dim"))
    by_entity = groupby(comparison.changes(), key=attrgetter("entity.name"))
    for name, documents in by_entity:
        console.print(Text(f"\n{one_line(name)}", style="bold"))
        _print_entity(documents, console)
    if comparison.files:
        console.print(Text("\nfiles", style="bold"))
    for file in comparison.files:
        console.print(_file(file))
    headers, rows = count_rows(comparison)
    if rows:
        output.line()
        output.table(headers, rows, numeric=set(_KINDS))


def _print_entity(documents: Iterable[ChangedDocument], console: Console) -> None:
    """Shows tables of equal columns one below the other, so that few rows are in memory."""
    table = _table(has_header=True)
    for document in documents:
        for row in _rows(document, console.width):
            table.add_row(*row)
        if table.row_count >= _TABLE_ROWS:
            console.print(table)
            table = _table(has_header=False)
    if table.row_count:
        console.print(table)


def _table(*, has_header: bool) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True, show_header=has_header)
    for name, ratio in (("document", 3), ("field", 3), ("old", 5), ("new", 5)):
        table.add_column(name, ratio=ratio, overflow="fold")
    return table


def _rows(document: ChangedDocument, width: int) -> Iterator[tuple[Text, Text, Text, Text]]:
    from rich.text import Text

    change = document.change
    # The entity stands above the table.
    name = _title(document, f"{change.entity}:")
    title = Text(one_line(f"{change.kind.mark} {name}"), style=STYLES[change.kind])
    nothing = Text()
    if change.reason is not None:
        yield title, nothing, nothing, Text(one_line(f"not compared: {change.reason}"), "yellow")
        return
    if change.kind is not ChangeKind.MODIFIED:
        old = Text(shortened(value_text(_whole(change, document.old_value)), _PREVIEW), "red")
        new = Text(shortened(value_text(_whole(change, document.new_value)), _PREVIEW), "green")
        yield title, nothing, old, new
        return
    for field in change.fields:
        yield title, Text(one_line(field.pointer or "/")), *_values(field, width // 3)
        title = nothing


def _whole(change: DocumentChange, value: object) -> object:
    is_whole = change.kind in {ChangeKind.ADDED, ChangeKind.DELETED}
    return value if is_whole else ABSENT


def _values(field: FieldChange, width: int) -> tuple[Text, Text]:
    from rich.text import Text

    old, new = value_text(field.old), value_text(field.new)
    if type(field.old) is not type(field.new):
        return Text(shortened(old, _PREVIEW), "red"), Text(shortened(new, _PREVIEW), "green")
    before, after = pieces(old, new, width)
    return (
        Text.assemble(*((text, "" if is_same else "bold red") for text, is_same in before)),
        Text.assemble(*((text, "" if is_same else "bold green") for text, is_same in after)),
    )


def _title(document: ChangedDocument, left_out: str = "") -> str:
    change = document.change
    name = change.path if change.key is None else format_address(change.entity, change.key)
    name = name.removeprefix(left_out)
    if document.label is not None:
        name += f"  ({shortened(_plain(document.label), WIDTH)})"
    if change.old_key is not None:
        name += f"  was {format_address(change.entity, change.old_key).removeprefix(left_out)}"
    return name


def _plain(value: object) -> str:
    return value if isinstance(value, str) else value_text(value)


def _file(file: ChangedFile) -> Text:
    from rich.text import Text

    name = one_line(f"{file.kind.mark} {file.path}")
    return Text.assemble((name, STYLES[file.kind]), (f"  {file.role.value}", "dim"))


def _side(side: ComparedSide) -> str:
    return one_line(side.name)
