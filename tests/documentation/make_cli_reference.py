"""Writes docs/reference/cli.md from the commands themselves.

python -m tests.documentation.make_cli_reference
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from gitexport.cli.exit_codes import describe
from gitexport.cli.global_options import global_parameters
from gitexport.cli.parser import Command, Group, make_group
from tests.documentation.pages import ROOT

CLI_PAGE = ROOT / "docs" / "reference" / "cli.md"
_INTRODUCTION = """\
# Command line

Made from the commands themselves (`python -m tests.documentation.make_cli_reference`).

Data goes to standard output; progress, warnings and errors go to standard error.
Only what changes rows of tables or rewrites history asks, and only on a terminal.
`--yes` answers beforehand.
REV and ENTITY:KEY are explained in the [glossary](glossary.md).
Exit codes have [their own page](exit-codes.md), and so has [what `-o json` prints](json-output.md).
"""


def render() -> str:
    """Writes the whole page."""
    group = make_group(has_color=False)
    parts = [_INTRODUCTION, "## Global options\n", "They stand before or after a command's name.\n"]
    parts.append(_options(global_parameters()))
    for path, command in commands(group):
        parts += _section(path, command)
    return "\n".join(parts)


def commands(group: Group) -> Iterator[tuple[str, Command | Group]]:
    """Yields each command with the words that call it, groups before their commands."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert isinstance(command, (Command, Group))
        yield name, command
        if isinstance(command, Group):
            yield from ((f"{name} {inner}", found) for inner, found in commands(command))


def own_parameters(command: click.Command) -> list[click.Parameter]:
    """Lists the parameters that are not global, or take other values than the global ones."""
    shared = {tuple(parameter.opts): _metavar(parameter) for parameter in global_parameters()}
    return [
        parameter
        for parameter in command.params
        if shared.get(tuple(parameter.opts)) != _metavar(parameter)
    ]


def _section(path: str, command: Command | Group) -> Iterator[str]:
    yield f"## gitexport {path}\n"
    own = own_parameters(command)
    arguments = [_metavar(parameter) for parameter in own if isinstance(parameter, click.Argument)]
    more = ["COMMAND"] if isinstance(command, Group) else []
    yield f"```\ngitexport {' '.join([path, '[OPTIONS]', *arguments, *more])}\n```\n"
    yield "\n".join(_paragraphs(command.help or "")) + "\n"
    options = [parameter for parameter in own if isinstance(parameter, click.Option)]
    if options:
        yield _options(options)
    if command.examples:
        lines = [f"# {purpose}\n{line}" for purpose, line in command.examples]
        yield "```sh\n" + "\n".join(lines) + "\n```\n"
    codes = ", ".join(code for code, _words in describe(command.exit_codes))
    yield f"Exit codes: {codes}\n"


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ""
        first, _, rest = paragraph.partition("\n")
        yield " ".join([first.strip(), *rest.split()]) if rest else first.strip()


def _options(options: list[click.Parameter] | list[click.Option]) -> str:
    rows = [f"| {_names(option)} | {_help(option)} |" for option in options]
    return "\n".join(["| option | |", "|---|---|", *rows]) + "\n"


def _names(option: click.Parameter) -> str:
    value = "" if getattr(option, "is_flag", False) else f" {_metavar(option)}"
    return ", ".join(f"`{name}{value}`" for name in (*option.opts, *option.secondary_opts))


def _metavar(parameter: click.Parameter) -> str:
    found: Any = parameter.metavar
    if found is None and isinstance(parameter.type, click.Choice):
        found = "{" + ",".join(map(str, parameter.type.choices)) + "}"
    return str(found or f"[{(parameter.name or '').upper()}]…")


def _help(option: click.Parameter) -> str:
    return str(getattr(option, "help", "") or "").replace("|", "\\|")


def main() -> int:
    """Writes the page."""
    CLI_PAGE.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
