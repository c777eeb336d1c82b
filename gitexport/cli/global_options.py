"""The options that stand before or after every command's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from gitexport import __version__
from gitexport.cli import completing
from gitexport.cli.plain import one_line


@dataclass(slots=True)
class GlobalOptions:
    """What the global options say; filled in while the command line is parsed."""

    data_directory: Path | None = None
    dsn: str | None = None
    output: str = "text"
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    log_format: str = "text"
    log_file: Path | None = None

    @property
    def is_json(self) -> bool:
        """Tells whether the command prints one JSON object."""
        return self.output == "json"


class GlobalOption(click.Option):
    """An option that all commands have. Help shows them in a panel of their own."""

    panel = "Global options"


def global_parameters() -> list[click.Parameter]:
    """Makes the options anew, for one command."""
    return [
        _option(["-C", "data_directory"], "The data repository.", metavar="DIR", type=_DIRECTORY),
        _option(["--dsn"], "Where the database is, as libpq has it.", metavar="DSN"),
        _output(["text", "json"]),
        _option(["-q", "--quiet"], "Print results and problems only.", is_flag=True),
        _option(["-v", "--verbose"], "Print a line for every document.", is_flag=True),
        _option(["--no-color"], "Never colour; NO_COLOR does the same.", is_flag=True),
        _option(
            ["--log-format"],
            "How messages are written to stderr and the log file.",
            type=click.Choice(["text", "json"]),
        ),
        _option(["--log-file"], "Add messages to this file.", metavar="F", type=_FILE),
        _option(
            ["-V", "--version"],
            "Print the version.",
            is_flag=True,
            is_eager=True,
            callback=_print_version,
        ),
    ]


_Decorated = TypeVar("_Decorated", bound=Callable[..., object])


def output_option(forms: Sequence[str]) -> Callable[[_Decorated], _Decorated]:
    """Adds to a command's function its own `-o`, in the place of the global one."""

    def add(function: _Decorated) -> _Decorated:
        # As click's own decorators do, which make their options by themselves.
        vars(function).setdefault("__click_params__", []).append(_output(forms))
        return function

    return add


def any_output() -> click.Option:
    """Makes the `-o` that stands before the command's name, whose forms it may not know."""
    return _option(
        ["-o", "--output"],
        "How to print the result.",
        metavar="text|json|…",
        shell_complete=completing.outputs,
    )


def _output(forms: Sequence[str]) -> click.Option:
    return _option(["-o", "--output"], "How to print the result.", type=click.Choice(forms))


def _option(names: list[str], text: str, **settings: Any) -> click.Option:  # noqa: ANN401 - click's
    settings.setdefault("callback", _remember)
    return GlobalOption(names, help=text, expose_value=False, **settings)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    name = parameter.name or ""
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        options = context.find_object(GlobalOptions)
        if options is not None:
            setattr(options, name, value)


def _print_version(context: click.Context, parameter: click.Parameter, value: object) -> None:
    del parameter
    if value and not context.resilient_parsing:
        click.echo(f"gitexport {one_line(__version__)}")
        context.exit(0)


_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
