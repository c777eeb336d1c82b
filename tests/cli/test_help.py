"""What the program tells of itself: its version, help, completion."""

from __future__ import annotations

import click
import pytest

from gitexport import __version__
from gitexport.cli.exit_codes import EXIT_CODES
from gitexport.cli.parser import COMMANDS, Command, Group, make_group
from tests.cli.program import Program, run_program


def commands() -> list[tuple[str, click.Command]]:
    """Lists all commands, those inside of groups too."""
    group = make_group(has_color=False)
    found: list[tuple[str, click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, Group):
            for inner in command.list_commands(context):
                within = command.get_command(context, inner)
                assert within is not None
                found.append((f"{name} {inner}", within))
    return found


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["-q", "--version"],
                                       ["export", "--version"]])  # fmt: skip
def test_version_is_printed_before_and_after_a_command(
    program: Program, arguments: list[str]
) -> None:
    ended = program(*arguments)

    assert (ended.code, ended.out, ended.err) == (0, f"gitexport {__version__}\n", "")


def test_version_does_not_depend_on_a_data_repository() -> None:
    done = run_program("--version")

    assert (done.returncode, done.stdout) == (0, f"gitexport {__version__}\n")


@pytest.mark.parametrize(("name", "command"), commands())
def test_help_of_every_command_has_an_example_and_its_exit_codes(
    program: Program, name: str, command: click.Command
) -> None:
    ended = program(*name.split(), "--help")

    assert ended.code == 0
    assert isinstance(command, (Command, Group))
    assert command.examples, name
    assert any("gitexport" in line for _, line in command.examples)
    assert "Examples:" in ended.out
    for purpose, line in command.examples:
        assert purpose in ended.out
        assert line in ended.out
    assert "Exit codes:" in ended.out
    for code in command.exit_codes:
        assert f"{code:>3}  {EXIT_CODES[code]}" in ended.out
    for option in ("-C", "--dsn", "--output", "--log-file", "--no-color"):
        assert option in ended.out


def test_help_lists_every_command_that_is_there(program: Program) -> None:
    ended = program("--help")

    for name, _ in commands():
        assert name.split()[0] in ended.out


def test_registered_modules_carry_the_names_of_their_commands() -> None:
    for name, command in commands():
        if " " not in name:
            assert name in COMMANDS
            assert command.name == name


def test_nothing_at_all_prints_the_help_to_stderr(program: Program) -> None:
    ended = program()

    assert ended.code == 2
    assert ended.out == ""
    assert "Usage: gitexport" in ended.err


def test_help_says_which_options_may_be_repeated(program: Program) -> None:
    words = "May be given several times."
    for name, command in commands():
        for option in command.params:
            if isinstance(option, click.Option):
                assert (words in str(option.help)) == option.multiple, (name, option.name)

    assert f"Only this relation. {words}" in " ".join(program("init", "--help").out.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(program: Program, shell: str) -> None:
    ended = program("completion", shell)

    assert ended.code == 0
    assert "_GITEXPORT_COMPLETE" in ended.out


def test_completion_offers_commands_and_options() -> None:
    commands_ = run_program(_GITEXPORT_COMPLETE="bash_complete", COMP_WORDS="gitexport ex",
                            COMP_CWORD="1")  # fmt: skip
    options = run_program(_GITEXPORT_COMPLETE="bash_complete", COMP_CWORD="2",
                          COMP_WORDS="gitexport export --over")  # fmt: skip

    assert commands_.stdout == "plain,export\n"
    assert options.stdout == "plain,--override\n"
