"""Files of people's in a data repository, committed and edited beside the exports."""

from __future__ import annotations

from tests.fixtures.workbench import Workbench


def test_file_that_is_edited_on_after_its_commit_is_no_affair_of_an_export(
    workbench: Workbench,
) -> None:
    workbench.sql("CREATE TABLE users (id int PRIMARY KEY, name text)")
    workbench.sql("INSERT INTO users VALUES (1, 'one'), (2, 'two')")
    workbench.add_entity("users")
    workbench.export()
    notes = workbench.path / "NOTES.md"
    notes.write_text("hello\n")
    workbench.git("add", "NOTES.md")
    workbench.git("commit", "-qm", "notes")
    notes.write_text("hello, and not done yet\n")
    workbench.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = workbench.export()

    assert (report.exit_code, report.kept_edits) == (0, [])
    assert workbench.git("status", "--porcelain") == " M NOTES.md"
    assert notes.read_text() == "hello, and not done yet\n"
