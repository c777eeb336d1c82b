"""Consoles of rich that never read markup from data and never end the program."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console


class QuietPipeConsole(Console):
    """A console that hands a broken pipe on, where rich's own would exit."""

    def on_broken_pipe(self) -> None:
        """Raises the BrokenPipeError again."""
        raise BrokenPipeError


def make_console(stream: TextIO, *, has_color: bool, is_terminal: bool | None = None) -> Console:
    """Makes a console: text is text, nothing in it is markup, emoji or highlighted.

    `is_terminal` is told for a stream that only leads to a terminal.
    """
    return QuietPipeConsole(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        no_color=not has_color,
        color_system="auto" if has_color else None,
        soft_wrap=False,
        force_terminal=is_terminal,
    )
