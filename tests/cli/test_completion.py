"""What a shell's completion offers of a data repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program, run_program
from tests.fixtures.repositories import git


def _offered(line: str, here: Path) -> list[str]:
    """Completes the last word of a command line, as bash asks for it."""
    words = line.split(" ")
    done = run_program(
        here=here,
        _GITEXPORT_COMPLETE="bash_complete",
        COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
    )
    assert done.stderr == ""
    return [offer.removeprefix("plain,") for offer in done.stdout.splitlines() if offer]


def test_entities_snapshots_and_remotes_are_offered(
    data: Program, repository_path: Path, tmp_path: Path
) -> None:
    tags = [data.done("export", "--full", "-o", "json").json["snapshot"]]
    tags.append(data.done("export", "--allow-empty", "-o", "json").json["snapshot"])
    git(repository_path, "remote", "add", "upstream", "https://example.org/data.git")
    git(repository_path, "tag", "mine")
    below = repository_path / "data"
    newest_first = ["latest", *reversed(tags)]

    for line, offered in {
        "gitexport export --entity ": ["customers", "orders"],
        "gitexport untrack --entity o": ["orders"],
        "gitexport log c": ["customers"],
        "gitexport show ": newest_first,
        "gitexport show latest o": ["orders"],
        "gitexport restore lat": ["latest"],
        "gitexport restore latest --only c": ["customers"],
        f"gitexport compare {tags[0]}": [tags[0]],
        "gitexport compare latest ": ["@database", *newest_first],
        "gitexport revert --to 2": list(reversed(tags)),
        "gitexport push ": ["upstream"],
    }.items():
        assert _offered(line, below) == offered, line
    assert _offered(f"gitexport -C {repository_path} export --entity o", tmp_path) == ["orders"]


def test_forms_of_output_are_offered_before_and_after_the_command(tmp_path: Path) -> None:
    assert _offered("gitexport -o js", tmp_path) == ["json", "jsonl", "json-patch"]
    assert _offered("gitexport -o json status -o ", tmp_path) == ["text", "json"]


@pytest.mark.parametrize("config", [None, "no toml at all"])
def test_without_a_readable_data_repository_nothing_is_offered_and_nothing_said(
    tmp_path: Path, config: str | None
) -> None:
    if config is not None:
        git(tmp_path, "init", "-q")
        (tmp_path / "gitexport.toml").write_text(config)

    for line in ("gitexport export --entity ", "gitexport log ", "gitexport -C none push "):
        assert _offered(line, tmp_path) == []
