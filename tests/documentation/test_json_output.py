"""The members of each JSON object are those that the reference explains."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program
from tests.documentation.pages import ROOT
from tests.documentation.tables import names, sections
from tests.fixtures.repositories import git

_PAGE = ROOT / "docs" / "reference" / "json-output.md"
_SHOP = ROOT / "docs" / "tutorial" / "shop.sql"


def test_members_of_every_object_are_explained(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_SHOP.read_bytes())
    directory = tmp_path / "data"
    patch = tmp_path / "patch.json"
    patch.write_text('{"format": "gitexport.patch/v1", "documents": []}')
    program = Program(capsys, ["--dsn", database, "-C", str(directory), "-o", "json"])
    seen = {"init": program.done("init").json, "track": program.done("track").json}
    git(tmp_path, "init", "--quiet", "--bare", "published.git")
    git(directory, "remote", "add", "origin", str(tmp_path / "published.git"))
    for heading, arguments in {
        "export": ["export", "--push"],
        "push": ["push"],
        "status": ["status"],
        "relayout": ["relayout"],
        "reset": ["reset"],
        "log": ["log"],
        "log ENTITY:KEY": ["log", "products:1"],
        "show REV": ["show", "latest"],
        "show REV ENTITY:KEY": ["show", "latest", "products:1"],
        "show REV ENTITY": ["show", "latest", "products"],
        "compare": ["compare", "latest"],
        "restore": ["restore", "latest"],
        "restore --database": ["restore", "latest", "--database", "--dry-run"],
        "revert": ["revert", "latest"],
        "apply": ["apply", str(patch)],
        "import": ["import", str(directory), "--mode", "upsert", "--dry-run"],
        "archive": ["archive", "latest", "-f", str(tmp_path / "archive.tar.gz")],
        "blame": ["blame", "products:1"],
        "history": ["history", "--to", str(tmp_path / "history.sqlite")],
        "note": ["note", "latest", "the first one"],
        "doctor": ["doctor"],
        "hooks": ["hooks", "install"],
        "hooks run pre-commit": ["hooks", "run", "pre-commit"],
        "hooks run post-merge": ["hooks", "run", "post-merge", "--within", "60"],
        "fmt": ["fmt"],
        "completion": ["completion", "bash"],
        "untrack": ["untrack"],
    }.items():
        seen[heading] = program.done(*arguments).json
    demo = Program(capsys, ["-o", "json"]).done("demo", tmp_path / "demo", "--rows", 60)
    seen["demo"] = demo.json
    seen["error"] = program("show", "2019").error

    documented = {heading: sorted(names(cells)) for heading, cells in sections(_PAGE).items()}

    assert {
        heading: sorted(value.keys() - {"format"}) for heading, value in seen.items()
    } == documented
    for heading, value in seen.items():
        assert value["format"] == f"gitexport.{heading.partition(' ')[0]}/v1"
