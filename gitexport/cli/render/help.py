"""The text of `--help`: rich_click draws what click knows of a command.

Loaded when somebody asks for it. Parsing a command line needs click alone, and every run of
every command would pay for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import click
import rich_click
from rich.text import Text

from gitexport.cli.exit_codes import describe

_LOOK = {
    "theme": "default-slim",
    "text_markup": None,
    "use_click_short_help": True,
    "max_width": 100,
}


def draw_help(
    command: click.Command,
    context: click.Context,
    *,
    examples: Sequence[tuple[str, str]],
    exit_codes: Sequence[int],
) -> str:
    """Draws a command's help, with examples (what for, command line) and exit codes below.

    In colours unless the context does without.
    """
    described: dict[str, Any] = {
        "name": command.name,
        "params": command.params,
        "help": command.help,
    }
    page: _Page
    if isinstance(command, click.Group):
        page = _GroupPage(commands=_within(command, context), **described)
    else:
        page = _Page(**described)
    page.below = _examples_and_codes(examples, exit_codes)
    drawn = rich_click.RichContext(
        page,
        parent=context.parent,
        info_name=context.info_name,
        help_option_names=context.help_option_names,
        rich_help_config=_LOOK | ({} if context.color else {"color_system": None}),
    )
    return page.get_help(drawn)


class _Page(rich_click.RichCommand):
    """A command as rich_click wants it, to be drawn and not to be run."""

    below = Text()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        cast("rich_click.RichHelpFormatter", formatter).write(self.below)


class _GroupPage(_Page, rich_click.RichGroup):  # type: ignore[misc] # as its own bases are
    """The same for a group."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)  # not sorted: in the order in which people meet them


def _within(group: click.Group, context: click.Context) -> dict[str, click.Command]:
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def _examples_and_codes(examples: Sequence[tuple[str, str]], codes: Sequence[int]) -> Text:
    text = Text()
    if examples:
        text.append("\n Examples:\n", style="bold")
        for purpose, line in examples:
            text.append(f"   # {purpose}\n", style="dim")
            text.append(f"   {line}\n")
    text.append("\n Exit codes:\n", style="bold")
    for code, words in describe(codes):
        text.append(f"   {code:>3}  {words}\n")
    return text
