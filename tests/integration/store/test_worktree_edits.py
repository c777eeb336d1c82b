"""A refresh keeps what people edited, staged, deleted or left in conflict."""

from __future__ import annotations

import subprocess

from tests.fixtures.repositories import fsck, git
from tests.integration.store.viewed import ViewedRepository


def test_an_edited_file_is_kept_and_the_index_moves_on(viewed: ViewedRepository) -> None:
    edited = viewed.path / "data/users/0/4.json"
    edited.write_bytes(b"mine\n")

    report = viewed.move({**viewed.files, "data/users/0/4.json": b"theirs\n"})

    assert report.kept == ["data/users/0/4.json"]
    assert report.kept_count == 1
    assert edited.read_bytes() == b"mine\n"
    assert viewed.status() == [" M data/users/0/4.json"]
    git(viewed.path, "checkout", "--", "data/users/0/4.json")
    viewed.assert_clean()


def test_discarding_edits_overwrites_them(viewed: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    (viewed.path / name).write_bytes(b"mine\n")
    git(viewed.path, "add", name)
    (viewed.path / name).write_bytes(b"mine again\n")
    (viewed.path / "data/users/1/1.json").unlink()

    changed = {name: b"theirs\n", "data/users/1/1.json": b"back\n"}
    report = viewed.move({**viewed.files, **changed}, discard=True)

    assert report.kept == []
    assert viewed.status() == []
    assert (viewed.path / name).read_bytes() == b"theirs\n"


def test_a_file_that_a_person_deleted_stays_deleted(viewed: ViewedRepository) -> None:
    (viewed.path / "data/users/0/4.json").unlink()

    report = viewed.move({**viewed.files, "data/users/0/4.json": b"theirs\n"})

    assert report.kept == ["data/users/0/4.json"]
    assert viewed.status() == [" D data/users/0/4.json"]


def test_an_edited_file_survives_its_deletion(viewed: ViewedRepository) -> None:
    (viewed.path / "data/users/0/4.json").write_bytes(b"mine\n")
    files = dict(viewed.files)
    del files["data/users/0/4.json"]

    report = viewed.move(files)

    assert report.kept == ["data/users/0/4.json"]
    assert viewed.status() == ["?? data/users/0/4.json"]


def test_an_untracked_file_in_the_way_is_kept(viewed: ViewedRepository) -> None:
    (viewed.path / "data/users/0/400.json").write_bytes(b"mine\n")

    report = viewed.move({**viewed.files, "data/users/0/400.json": b"theirs\n"})

    assert report.kept == ["data/users/0/400.json"]
    assert viewed.status() == [" M data/users/0/400.json"]


def test_a_staged_edit_that_is_in_the_file_becomes_unstaged(viewed: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    (viewed.path / name).write_bytes(b"mine\n")
    git(viewed.path, "add", name)

    report = viewed.move({**viewed.files, name: b"theirs\n"})

    assert report.kept == [name]
    assert viewed.status() == [f" M {name}"]
    assert (viewed.path / name).read_bytes() == b"mine\n"


def test_content_that_is_only_staged_stays_staged(viewed: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    (viewed.path / name).write_bytes(b"staged\n")
    git(viewed.path, "add", name)
    (viewed.path / name).write_bytes(b"edited further\n")

    report = viewed.move({**viewed.files, name: b"theirs\n"})

    assert (report.kept, report.kept_count) == ([name], 1)
    assert viewed.status() == [f"MM {name}"]
    assert git(viewed.path, "cat-file", "blob", f":{name}") == "staged"


def test_staged_content_stays_where_the_file_has_no_edit(viewed: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    old = viewed.files[name]
    (viewed.path / name).write_bytes(b"staged\n")
    git(viewed.path, "add", name)
    (viewed.path / name).write_bytes(old)

    report = viewed.move({**viewed.files, name: b"theirs\n"})

    assert report.kept == [name]
    assert git(viewed.path, "cat-file", "blob", f":{name}") == "staged"
    assert (viewed.path / name).read_bytes() == b"theirs\n"


def test_other_edits_and_untracked_files_are_not_touched(viewed: ViewedRepository) -> None:
    (viewed.path / "README.md").write_bytes(b"# edited\n")
    (viewed.path / "data/users/0/mine.txt").write_bytes(b"mine\n")
    (viewed.path / "docs/notes.txt").write_bytes(b"staged\n")
    git(viewed.path, "add", "docs/notes.txt")
    files = {name: data for name, data in viewed.files.items() if "/0/" not in name}

    report = viewed.move(files)

    assert report.kept == []
    assert viewed.status() == [" M README.md", "?? data/users/0/mine.txt", "M  docs/notes.txt"]


def test_a_conflict_of_people_is_left_to_them(plain: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    for branch, text in (("one", b"one\n"), ("two", b"two\n")):
        git(plain.path, "checkout", "-q", "-b", branch, "main")
        (plain.path / name).write_bytes(text)
        git(plain.path, "commit", "-qam", branch)
    git(plain.path, "checkout", "-q", "main")
    git(plain.path, "merge", "-q", "one")
    subprocess.run(["git", "merge", "-q", "two"], cwd=plain.path, check=False, capture_output=True)
    plain.files[name] = b"one\n"
    unmerged = git(plain.path, "ls-files", "-u")

    report = plain.move({**plain.files, name: b"theirs\n", "data/users/0/8.json": b"new\n"})

    assert report.kept == [name]
    assert git(plain.path, "ls-files", "-u") == unmerged
    assert plain.status() == [f"UU {name}"]


def test_people_may_go_on_after_a_refresh(viewed: ViewedRepository) -> None:
    viewed.move({**viewed.files, "data/users/0/4.json": b"theirs\n"})
    (viewed.path / "README.md").write_bytes(b"# edited\n")

    git(viewed.path, "commit", "-qam", "edit")

    assert git(viewed.path, "show", "--format=", "--name-only") == "README.md"
    fsck(viewed.path)
