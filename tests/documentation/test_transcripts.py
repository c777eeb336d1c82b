"""What the pages show is what happens.

With RENEW_DOCS set, output that is no longer right is replaced in the pages instead.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.documentation.pages import ROOT, pages
from tests.documentation.session import Session, find_psql
from tests.documentation.transcripts import Kind, Page, matches, normal, read_page
from tests.fixtures.postgres import Postgres

# Read once: other tests run without some of the environment.
_RENEWS = bool(os.environ.get("RENEW_DOCS"))
_PAGES = [path for path in pages() if read_page(path).steps]


@pytest.mark.parametrize("path", _PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_do_what_the_page_says(path: Path, postgres: Postgres, tmp_path: Path) -> None:
    psql = find_psql()
    if psql is None:
        pytest.skip("there is no psql")
    page = read_page(path)
    with postgres.temporary_database() as dsn:
        results = Session(tmp_path / "ada", dsn, psql).run(page)
    if _RENEWS:
        _renew(page, results)
        return
    for step, (code, lines) in zip(page.steps, results, strict=True):
        text = "\n".join(lines)
        place = f"{path.name}:{step.first}: $ {step.text}"
        assert code == step.expected_code, f"{place}\n{text}"
        if step.kind is Kind.COMMAND:
            assert matches(step.output, lines), f"{place}\n{text}"


def _renew(page: Page, results: list[tuple[int, list[str]]]) -> None:
    for step, (code, lines) in reversed(list(zip(page.steps, results, strict=True))):
        if code != step.expected_code and step.kind is not Kind.COMMAND:
            pytest.fail("\n".join([step.text, *lines]))
        if step.kind is Kind.COMMAND and not matches(step.output, lines):
            page.lines[step.first : step.last] = lines
    page.path.write_text("\n".join(page.lines), encoding="utf-8")


def test_session_is_read_from_a_page(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(
        "# A\n\n<!-- file: a.txt -->\n```toml\nx = 1\n```\n\n```console\n$ false\n$ echo $?\n1\n"
        "$ printf 'a\\n> b'\na\n> b\n```\n<!-- not run: it asks -->\n```console\n$ read\n```\n"
    )

    steps = read_page(path).steps

    assert [(step.kind, step.text) for step in steps] == [
        (Kind.FILE, "x = 1\n"),
        (Kind.COMMAND, "false"),
        (Kind.COMMAND, "echo $?"),
        (Kind.COMMAND, r"printf 'a\n> b'"),
    ]
    assert steps[1].expected_code == 1
    assert steps[3].output == ["a", "> b"]


@pytest.mark.parametrize(
    ("expected", "actual", "verdict"),
    [
        (["a"], ["a"], True),
        (["a"], ["b"], False),
        (["a"], ["a", "b"], False),
        (["a", "…"], ["a", "b", "c"], True),
        (["…", "c"], ["a", "b", "c"], True),
        (["…", "b"], ["a", "b", "c"], False),
        (["a", "…", "c", "…", "e"], ["a", "b", "c", "d", "e"], True),
        (["a", "…", "x", "…", "e"], ["a", "b", "c", "d", "e"], False),
    ],
)
def test_output_may_be_shortened(expected: list[str], actual: list[str], verdict: bool) -> None:  # noqa: FBT001 - a column of the table above
    assert matches(expected, actual) is verdict


def test_only_what_differs_from_run_to_run_is_ignored() -> None:
    assert normal("commit 3602e325dd of 20261122-034023") == "commit ID of TAG"
    assert normal("holds 15,607 documents") == "holds 15,607 documents"
    assert normal("added") == "added"
