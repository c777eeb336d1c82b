"""Commands load what they need: a module that only others use would slow down each start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program, loaded_modules

HEAVY = {
    "pygit2", "psycopg", "orjson", "tomlkit", "jsonschema_rs", "deepdiff", "rich.console",
}  # fmt: skip
DRAWS_HELP = {"rich", "rich_click"}
RARE_LIBRARIES = {"deepdiff", "jsonschema_rs", "tomlkit"}
COMPARES = {"gitexport.compare.changes", "gitexport.model.changeset"}
SETS_UP_TRACKING = {
    "gitexport.model.tracking", "gitexport.source.postgresql.findings",
    "gitexport.source.postgresql.tracking_admin",
}  # fmt: skip
WRITES_ROWS = {
    "gitexport.model.creation", "gitexport.model.foreign_keys", "gitexport.model.recognition",
    "gitexport.model.writing", "gitexport.source.postgresql.writing",
}  # fmt: skip
WRITES_SNAPSHOTS = {"gitexport.export.attempt", "gitexport.store.pack"}
DEFLATES = {"isal"}
READS_ARCHIVES = {"gitexport.transfer.archive", "gitexport.transfer.archive_reader"}
READS_THE_DATABASE = {"psycopg", "gitexport.source"}
UNUSED = {
    "export": COMPARES | SETS_UP_TRACKING | WRITES_ROWS | {"gitexport.compare"},
    "status": COMPARES | SETS_UP_TRACKING | WRITES_ROWS | WRITES_SNAPSHOTS | DEFLATES,
    "log": READS_THE_DATABASE | SETS_UP_TRACKING | WRITES_ROWS,
    "compare latest latest": (
        READS_THE_DATABASE | SETS_UP_TRACKING | WRITES_ROWS | WRITES_SNAPSHOTS | DEFLATES
    ),
    "import . --mode upsert --yes": COMPARES | SETS_UP_TRACKING | WRITES_SNAPSHOTS | READS_ARCHIVES,
}


@pytest.mark.parametrize("command", UNUSED)
def test_command_loads_nothing_that_only_others_need(
    data: Program, shop: str, repository_path: Path, command: str
) -> None:
    data.done("export")
    name, *arguments = command.replace(" . ", f" {repository_path} ").split()

    modules = loaded_modules("--dsn", shop, "-C", str(repository_path), name, *arguments)

    assert not modules & (UNUSED[command] | DRAWS_HELP | RARE_LIBRARIES)


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
