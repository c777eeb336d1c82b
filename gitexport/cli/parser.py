"""The command group: global options before and after a command's name, modules loaded late.

A command is registered by name; its module is imported when the name is used or listed,
and offers it as `command`. `Command` adds what all commands share: the global options and,
in the help, examples and exit codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from gitexport.cli.exit_codes import codes_of
from gitexport.cli.global_options import GlobalOptions, any_output, global_parameters
from gitexport.errors import UsageError

COMPLETE_VARIABLE = "_GITEXPORT_COMPLETE"
_PACKAGE = "gitexport.cli.commands"
_DIRECTORY = Path(__file__).parent / "commands"
# In the order in which a person meets them; the value is the module.
COMMANDS = {
    "demo": "demo",
    "init": "init",
    "track": "track",
    "untrack": "untrack",
    "export": "export",
    "status": "status",
    "reset": "reset",
    "relayout": "relayout",
    "log": "log",
    "show": "show",
    "compare": "compare",
    "restore": "restore",
    "revert": "revert",
    "apply": "apply",
    "import": "import_",
    "archive": "archive",
    "blame": "blame",
    "note": "note",
    "history": "history",
    "push": "push",
    "doctor": "doctor",
    "hooks": "hooks",
    "fmt": "fmt",
    "textconv": "textconv",
    "merge-driver": "merge_driver",
    "completion": "completion",
}
_ALIASES = {"diff": "compare"}


class _Strict(click.Command):
    """Refuses options and arguments that are an empty text, as unset shell variables give it.

    They would else pass for some that were not given, or for the directory one stands in.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the words that belong to this command."""
        words = list(args)
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing and any(word.endswith("=") or not word for word in words):
            # Only what was typed tells: a path is never empty.
            given, _, order = self.make_parser(ctx).parse_args(args=words)
            for parameter in order:
                value = given.get(parameter.name or "")
                if value == "" or (isinstance(value, (list, tuple)) and "" in value):
                    _refuse_empty(parameter)
        return rest


class Command(_Strict):
    """A command with the global options, examples and exit codes."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - handed on to click
        examples: Sequence[tuple[str, str]] = (),
        exit_codes: Sequence[int] = (),
        **kwargs: Any,  # noqa: ANN401 - handed on to click
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.exit_codes = codes_of(*exit_codes)
        _tell_what_repeats(self)
        add_global_parameters(self)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Runs the command, if it prints in the form that was asked for before its name."""
        options = ctx.find_object(GlobalOptions)
        output = next((option for option in self.params if "--output" in option.opts), None)
        forms = getattr(output and output.type, "choices", ())
        if options is not None and forms and options.output not in forms:
            message = f"'{options.output}' is not one of {', '.join(map(repr, forms))}."
            raise click.BadParameter(message, ctx=ctx, param=output)
        return super().invoke(ctx)

    def get_help(self, ctx: click.Context) -> str:
        """Draws the help, with examples and exit codes."""
        from gitexport.cli.render.help import draw_help

        return draw_help(self, ctx, examples=self.examples, exit_codes=self.exit_codes)


class Group(_Strict, click.Group):
    """A group whose commands may stand in modules of their own, loaded by name."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - handed on to click
        modules: dict[str, str] | None = None,
        examples: Sequence[tuple[str, str]] = (),
        exit_codes: Sequence[int] = (),
        **kwargs: Any,  # noqa: ANN401 - handed on to click
    ) -> None:
        super().__init__(*args, **kwargs)
        self._modules = modules or {}
        if modules:
            # Which forms there are is known when the command is.
            self.params.append(any_output())
        self.examples = tuple(examples)
        self.exit_codes = codes_of(*exit_codes)
        add_global_parameters(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Lists the commands that are there, in the order of registration."""
        return [name for name in self._modules if _has_module(self._modules[name])] + list(
            super().list_commands(ctx)
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Loads a command's module; an alias calls the same one."""
        if self._modules:
            cmd_name = _ALIASES.get(cmd_name, cmd_name)
        if cmd_name in self._modules and _has_module(self._modules[cmd_name]):
            module = import_module(f"{_PACKAGE}.{self._modules[cmd_name]}")
            command: click.Command = module.command
            return command
        return super().get_command(ctx, cmd_name)

    def get_help(self, ctx: click.Context) -> str:
        """Draws the help, with examples and exit codes."""
        from gitexport.cli.render.help import draw_help

        return draw_help(self, ctx, examples=self.examples, exit_codes=self.exit_codes)


def add_global_parameters(command: click.Command) -> None:
    """Adds the global options that the command does not define itself."""
    taken = {name for parameter in command.params for name in parameter.opts}
    command.params += [
        parameter for parameter in global_parameters() if taken.isdisjoint(parameter.opts)
    ]


def _tell_what_repeats(command: click.Command) -> None:
    for option in command.params:
        if isinstance(option, click.Option) and option.multiple and option.help:
            option.help += " May be given several times."


def _refuse_empty(parameter: click.Parameter) -> NoReturn:
    name = max(parameter.opts, key=len)
    if isinstance(parameter, click.Argument):
        name = parameter.metavar or name.upper()
        name = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    hint = "name one" if parameter.required else "name one, or leave it out"
    message = f"{name.removesuffix('...')} is an empty text"
    raise UsageError(message, hint=hint)


def help_settings(*, has_color: bool) -> dict[str, Any]:
    """Gives click the settings of all contexts."""
    return {"help_option_names": ["-h", "--help"], "color": has_color}


@cache
def _has_module(name: str) -> bool:
    # Looking at the file is quicker than asking the import system for each command.
    return (_DIRECTORY / f"{name}.py").is_file()


def make_group(*, has_color: bool) -> Group:
    """Makes the group of all commands."""
    return Group(
        "gitexport",
        modules=COMMANDS,
        exit_codes=range(11),
        help=_SUMMARY,
        context_settings=help_settings(has_color=has_color),
        examples=_EXAMPLES,
        no_args_is_help=True,
    )


_SUMMARY = """Keeps a git repository of canonical JSON documents in step with a database.

One file per row, one commit and one tag per export: push them, review them, go back to them.
The source is found in this order: --dsn, GITEXPORT_DSN, local.toml in the git directory,
libpq's own PG* variables and service file."""
_EXAMPLES = (
    ("a data repository of every table of one schema", "gitexport init data --schema shop"),
    ("what changed since the last snapshot, as a commit", "gitexport -C data export"),
    ("completion for this shell", 'eval "$(gitexport completion bash)"'),
)
