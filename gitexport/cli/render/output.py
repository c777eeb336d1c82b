"""Standard output: data and nothing else, plain and stable in a pipe, with rich on a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from gitexport.cli.plain import clean, escaped, one_line

if TYPE_CHECKING:
    from rich.console import Console

_IN_MEMORY_BYTES = 4_000_000
_PART_BYTES = 65_536


class Output:
    """Prints lines, tables, documents and JSON. What it prints is made harmless first."""

    def __init__(self, stream: TextIO, *, has_color: bool, is_terminal: bool | None = None) -> None:
        """Prints to a stream; `is_terminal` is told for one that only leads to a terminal."""
        self._stream = stream
        self.is_terminal = stream.isatty() if is_terminal is None else is_terminal
        self._has_color = has_color

    def line(self, text: str = "", *, style: str = "") -> None:
        """Prints one line; `style` is rich's, seen on a terminal only."""
        if self.is_terminal and style and self._has_color:
            from rich.text import Text

            self._print(Text(one_line_keeping_indent(text), style=style))
        else:
            self._stream.write(one_line_keeping_indent(text) + "\n")

    def styled(self, parts: Sequence[tuple[str, str]]) -> None:
        """Prints one line of parts, each with its style; spaces stay as they are."""
        pieces = [(clean(text).replace("\n", " "), style) for text, style in parts]
        if self.is_terminal and self._has_color:
            from rich.text import Text

            self._print(Text.assemble(*pieces), soft_wrap=True)
        else:
            self._stream.write("".join(text for text, _style in pieces).rstrip() + "\n")

    def text(self, text: str) -> None:
        """Prints several lines, such as a document, with a final newline."""
        self._stream.write(clean(text).rstrip("\n") + "\n")

    def table(
        self,
        headers: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        numeric: Collection[str] = (),
    ) -> None:
        """Prints a table; the columns named in `numeric` are aligned to the right."""
        cells = [[one_line(cell) for cell in row] for row in rows]
        if self.is_terminal:
            from gitexport.cli.render.table import print_table

            print_table(self.console(), headers, cells, numeric)
        else:
            for line in aligned([list(headers), *cells], [name in numeric for name in headers]):
                self._stream.write(line + "\n")

    def bytes(self, data: bytes) -> None:
        """Prints a document: its very bytes in a pipe, made harmless on a terminal."""
        buffer = getattr(self._stream, "buffer", None)
        if self.is_terminal or buffer is None:
            self.text(data.decode("utf-8", "replace"))
        else:
            self._stream.flush()
            buffer.write(data)
            buffer.flush()

    def json(self, format_name: str, members: Mapping[str, object]) -> None:
        """Prints one JSON object on one line."""
        from gitexport.cli.render.json_object import json_object

        self._stream.write(json_object(format_name, members).decode())

    def piece(self, text: str) -> None:
        """Prints a piece of a text: as it is in a pipe, made harmless on a terminal."""
        self._stream.write(clean(text) if self.is_terminal else text)

    def json_piece(self, text: str) -> None:
        """Prints a piece of JSON; what could steer a terminal is escaped there."""
        self._stream.write(escaped(text) if self.is_terminal else text)

    def console(self) -> Console:
        """Gives a console of rich on this stream."""
        from gitexport.cli.render.console import make_console

        return make_console(self._stream, has_color=self._has_color, is_terminal=self.is_terminal)

    def json_list(
        self, format_name: str, members: Mapping[str, object], name: str, items: Iterable[object]
    ) -> None:
        """Prints one JSON object whose last member is a long list, and nothing before its end.

        What does not fit into a little memory waits in a temporary file.
        """
        from tempfile import SpooledTemporaryFile

        from gitexport.cli.render.json_object import json_pieces

        with SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
            for piece in json_pieces(format_name, members, name, items):
                spool.write(piece)
            spool.seek(0)
            buffer = getattr(self._stream, "buffer", None)
            if buffer is None:
                self._stream.write(spool.read().decode())
                return
            self._stream.flush()
            while part := spool.read(_PART_BYTES):
                buffer.write(part)

    def _print(self, renderable: object, *, soft_wrap: bool = False) -> None:
        self.console().print(renderable, soft_wrap=soft_wrap)


def one_line_keeping_indent(text: str) -> str:
    """Makes a line harmless and keeps the spaces at its start."""
    return " " * (len(text) - len(text.lstrip(" "))) + one_line(text)


def aligned(rows: Sequence[Sequence[str]], is_numeric: Sequence[bool]) -> list[str]:
    """Writes rows as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_numeric, strict=True)
        ).rstrip()
        for row in rows
    ]
