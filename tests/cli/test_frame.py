"""What all commands share: global options, errors, exit codes, outputs."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitexport.cli.exit_codes import first_of
from tests.cli.program import Program, run_program


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["exprt"], "no such command 'exprt'", "did you mean 'export'?"),
        (["hooks", "instal"], "no such command 'instal'", "did you mean 'install'?"),
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


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["-C", "", "status"], "-C"),
        (["status", "-C", ""], "-C"),
        (["export", "--branch", ""], "--branch"),
        (["export", "--branch="], "--branch"),
        (["export", "--entity", "users", "--entity", ""], "--entity"),
        (["hooks", "install", "-C", ""], "-C"),
        (["push", ""], "REMOTE"),
        (["compare", "latest~1", ""], "TARGET"),
        (["show", ""], "REV"),
        (["log", ""], "ENTITY[:KEY]"),
        (["fmt", "a.json", ""], "PATHS"),
    ],
)
def test_empty_text_is_not_taken_for_nothing(
    program: Program, arguments: list[str], name: str
) -> None:
    """An unset variable of a script must not commit to main, or read where one stands."""
    ended = program(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[0] == f"error: {name} is an empty text"
    assert ended.err.splitlines()[1].startswith("hint:  name one")


def test_empty_text_hides_no_help(program: Program) -> None:
    assert "Usage:" in program.done("show", "", "--help").out


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


def test_current_directory_that_was_removed_is_told(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    ended = program("status")

    assert ended.code == 10
    assert "the current directory was removed" in ended.err
    assert "Traceback" not in ended.err


def test_log_file_gets_the_failure_with_its_time(program: Program, tmp_path: Path) -> None:
    log = tmp_path / "log"

    program("-C", tmp_path / "absent", "fmt", "--log-file", log, "-q")
    program("-C", tmp_path / "absent", "fmt", "--log-file", log, "--log-format", "json")

    text, record = log.read_text().splitlines()
    assert " error '" in text
    assert text[10] == "T"
    assert json.loads(record)["level"] == "error"
    assert json.loads(record)["time"].endswith("Z")


def test_log_file_tells_which_snapshot_was_made(data: Program, tmp_path: Path) -> None:
    log = tmp_path / "log"
    made = data.done("export", "--log-file", log, "-q", "-o", "json")
    data.done("export", "--log-file", log, "-q")

    snapshot = json.loads(made.out)["snapshot"]
    lines = [line for line in log.read_text().splitlines() if "snapshot" in line]
    assert f" info snapshot {snapshot}, commit " in lines[0]
    assert " info nothing to commit: " in lines[1]


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


def test_program_that_ends_does_not_look_for_cycles_in_what_it_loaded() -> None:
    script = (
        "import gc; from gitexport.cli.main import main; "
        "code = main(); print(code, gc.get_freeze_count() > 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, "completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "0 True"


def test_caller_that_goes_on_keeps_its_collector(program: Program) -> None:
    program.done("completion", "bash")

    assert gc.get_freeze_count() == 0
