"""The reference names everything that there is, and nothing else."""

from __future__ import annotations

import inspect
import re

import pytest

from gitexport import errors
from gitexport.cli.exit_codes import EXIT_CODES
from gitexport.cli.parser import make_group
from gitexport.config import documents, entities, local, parse
from tests.documentation.make_cli_reference import CLI_PAGE, commands, render
from tests.documentation.pages import ROOT, pages
from tests.documentation.tables import names, sections

_REFERENCE = ROOT / "docs" / "reference"
_CONFIGURATION = _REFERENCE / "configuration.md"
_EXIT_CODES = _REFERENCE / "exit-codes.md"


def test_command_line_reference_is_current() -> None:
    hint = "run python -m tests.documentation.make_cli_reference"
    assert CLI_PAGE.read_text(encoding="utf-8") == render(), hint


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("Top level", parse._TOP),
        ("[source]", parse._SOURCE),
        ("[entities.NAME]", entities._KEYS + entities._MODIFIED),
        ('[documents."PATH"]', documents._KEYS),
        ("local.toml", local._KEYS),
    ],
)
def test_every_key_of_the_configuration_is_explained(heading: str, keys: tuple[str, ...]) -> None:
    assert sorted(names(sections(_CONFIGURATION)[heading])) == sorted(keys)


def test_every_exit_code_is_explained_in_the_program_s_words() -> None:
    rows = re.findall(
        r"^\| (\d+) \| ([^|]+?) \|", _EXIT_CODES.read_text(encoding="utf-8"), re.MULTILINE
    )

    assert {int(code): words for code, words in rows} == EXIT_CODES


def test_every_exception_stands_with_its_exit_code() -> None:
    text = _EXIT_CODES.read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(\w+Error)` \| (\d+)", text, re.MULTILINE))
    raised = {
        name: str(kind.exit_code)
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.GitExportError)
    }

    assert documented == raised


def test_every_command_that_the_pages_name_exists() -> None:
    group = make_group(has_color=False)
    known = {path.split()[0] for path, _command in commands(group)}
    for page in pages():
        text = page.read_text(encoding="utf-8")
        used = set(re.findall(r"`gitexport ([a-z][a-z-]*)", text))
        assert used <= known, f"{page.name}: {used - known}"


def test_every_option_that_the_pages_name_exists() -> None:
    group = make_group(has_color=False)
    known = {
        option
        for _path, command in commands(group)
        for parameter in command.params
        for option in parameter.opts
    } | {"--help", "-h"}
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for line in re.findall(r"(?:^\$ |`)gitexport [^`\n]*", text, re.MULTILINE):
            used = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", line))
            assert used <= known, f"{page.name}: {line}"
