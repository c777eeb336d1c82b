"""What all commands share: global options, help, errors, exit codes, outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gitexport import __version__
from gitexport.cli.exit_codes import EXIT_CODES, first_of
from gitexport.cli.parser import COMMANDS, Command, Group, make_group
from tests.cli.program import Program, loaded_modules

HEAVY = {
    "pygit2", "psycopg", "orjson", "tomlkit", "jsonschema_rs", "deepdiff", "rich.console",
}  # fmt: skip


def run_program(
    *arguments: str, here: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gitexport", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
        cwd=here,
        check=False,
    )


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


def test_version_loads_neither_click_nor_anything_heavy() -> None:
    modules = loaded_modules("--version")

    assert not modules & {*HEAVY, "click", "rich_click", "dataclasses", "pathlib"}


def test_help_loads_nothing_heavy_but_what_draws_it() -> None:
    modules = loaded_modules("--help")

    assert not modules & (HEAVY - {"rich.console"})


def test_help_of_a_command_loads_no_database_and_no_repository() -> None:
    modules = loaded_modules("export", "--help")

    assert not modules & (HEAVY - {"rich.console"})
    assert "gitexport.api.export" not in modules


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


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["exprt"], "no such command 'exprt'", "did you mean 'export'?"),
        (["export", "--ful"], "no such option '--ful'", "did you mean '--full'?"),
        (["export", "--limit", "-1"], "-1 is not in the range x>=0", "gitexport export --help"),
        (
            ["-o", "yaml", "export"],
            "'yaml' is not one of 'text', 'json'",
            "gitexport export --help",
        ),
    ],
)
def test_wrong_usage_is_told_in_one_line_with_a_way_on(
    program: Program, arguments: list[str], message: str, hint: str
) -> None:
    text = program(*arguments)
    as_json = program(*arguments, *([] if "yaml" in arguments else ["-o", "json"]))

    assert (text.code, text.out) == (2, "")
    first, second = text.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second == f"hint:  {hint}"
    if "yaml" not in arguments:
        assert (as_json.code, as_json.out) == (2, "")
        assert as_json.error["format"] == "gitexport.error/v1"
        assert message in as_json.error["error"]


def test_global_options_count_before_and_after_the_command(
    program: Program, tmp_path: Path
) -> None:
    before = program("-o", "json", "-C", tmp_path, "fmt")
    after = program("fmt", "-C", tmp_path, "--output", "json")

    assert before.code == after.code == 2
    assert before.error == after.error
    assert before.error["hint"] == "make one with 'gitexport init', or name one with -C"


def test_failure_in_text_has_where_and_hint(program: Program, tmp_path: Path) -> None:
    ended = program("-C", tmp_path / "absent", "fmt")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        f"error: '{tmp_path}/absent' is not a directory",
        f"where: {tmp_path}/absent",
        "hint:  name one that exists",
    ]


def test_bug_keeps_its_traceback_and_ends_with_70(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        message = "unforeseen"
        raise ZeroDivisionError(message)

    monkeypatch.setattr("gitexport.api.format.format_documents", fail)

    text = program("-C", tmp_path, "fmt")
    as_json = program("-C", tmp_path, "fmt", "-o", "json")

    assert text.code == as_json.code == 70
    assert "Traceback" in text.err
    assert "error: ZeroDivisionError: unforeseen" in text.err
    assert as_json.error["error"] == "ZeroDivisionError: unforeseen"
    assert len(as_json.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
        (MemoryError(), 10),
        (OSError(28, "No space left on device"), 10),
        (PermissionError(13, "Permission denied"), 10),
        (OSError(9, "Bad file descriptor"), 70),
    ],
)
def test_how_a_run_ends_becomes_an_exit_code(
    program: Program, monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("gitexport.api.format.format_documents", fail)

    assert program("fmt").code == code


def test_reader_that_goes_away_ends_the_program_quietly() -> None:
    command = f"{sys.executable} -m gitexport completion bash; echo $? >&2"

    done = subprocess.run(
        ["bash", "-c", f"( {command} ) | true"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        check=False,
    )

    assert done.stderr == "141\n"


def test_log_file_gets_the_failure_with_its_time(program: Program, tmp_path: Path) -> None:
    log = tmp_path / "log"

    program("-C", tmp_path / "absent", "fmt", "--log-file", log, "-q")
    program("-C", tmp_path / "absent", "fmt", "--log-file", log, "--log-format", "json")

    text, record = log.read_text().splitlines()
    assert " error '" in text
    assert text[10] == "T"
    assert json.loads(record)["level"] == "error"
    assert json.loads(record)["time"].endswith("Z")


def test_log_file_that_cannot_be_written_is_an_error_of_the_machine(
    data: Program, tmp_path: Path
) -> None:
    ended = data("export", "--log-file", tmp_path / "absent" / "log")

    assert ended.code == 10
    assert "cannot write the log file" in ended.err


def test_colour_is_for_terminals_only(program: Program, tmp_path: Path) -> None:
    assert "\x1b" not in program("fmt", "-C", tmp_path).err
    assert "\x1b" not in program("--help").out


def test_data_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    done = run_program("-C", str(tmp_path / "Größe"), "fmt", LC_ALL="C", PYTHONUTF8="0")

    assert "Größe' is not a directory" in done.stderr


def test_first_of_several_codes_is_the_gravest() -> None:
    assert first_of(0, 0) == 0
    assert first_of(3, 5) == 5
    assert first_of(6, 5, 3) == 6
    assert first_of(0, 3) == 3


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
