"""The checks of the documentation notice what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documentation.pages import pages, problems


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "Makefile").write_text("demo: setup\n")
    (tmp_path / "other.md").write_text("# Other\n\n## It's `here`, now\n")
    return tmp_path / "page.md"


@pytest.mark.parametrize("path", pages(), ids=str)
def test_page_is_sound(path: Path) -> None:
    assert list(problems(path)) == []


def test_sound_page_has_no_problems(page: Path) -> None:
    page.write_text("# Page\n\nRun `make demo`, see [that](other.md#its-here-now).\n")

    assert list(problems(page, page.parent)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no title\n", "no title"),
        ("# A \n", "spaces at the end"),
        ("# A\n[x](gone.md)\n", "'gone.md' leads nowhere"),
        ("# A\n[x](other.md#gone)\n", "'other.md#gone' leads nowhere"),
        ("# A\n`make gone`\n", "no target 'make gone'"),
    ],
)
def test_each_kind_of_problem_is_found(page: Path, text: str, problem: str) -> None:
    page.write_text(text)

    assert any(problem in found for found in problems(page, page.parent))
