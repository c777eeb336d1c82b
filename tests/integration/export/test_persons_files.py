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


def test_filter_that_fails_hides_no_snapshot(users: Workbench) -> None:
    users.export()
    users.git("config", "filter.broken.clean", "false")
    users.git("config", "filter.broken.required", "true")
    (users.path / ".git/info/attributes").write_text("*.json filter=broken\n")
    users.sql("UPDATE users SET name = 'x' WHERE id = 3")

    report = users.export()

    assert (report.exit_code, report.entities["users"].modified) == (0, 1)
    (warning,) = report.warnings
    assert warning.startswith("cannot look for uncommitted edits: 'git status' failed: ")
    (users.path / ".git/info/attributes").unlink()
    users.check()


def test_files_that_are_gone_are_all_counted(users: Workbench) -> None:
    users.sql("INSERT INTO users SELECT n, 'more' FROM generate_series(100, 149) AS n")
    users.export()
    for number in range(100, 150):
        (users.path / f"data/users/{number}.json").unlink()
    users.sql("UPDATE users SET name = 'x' WHERE id = 3")

    (warning,) = users.export().warnings

    assert warning.startswith("'data/users/100.json' and 49 more have uncommitted edits")
