"""`gitexport relayout`: one commit of pure renames, and exports go on as before."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gitexport.canonical.shards import PathFunction
from gitexport.model.entity import Shard
from tests.fixtures.journey import Journey
from tests.fixtures.repositories import fsck


def configure(journey: Journey, entity: str, **settings: str) -> None:
    """Sets members of an entity's table in gitexport.toml."""
    path = journey.path / "gitexport.toml"
    text = path.read_text()
    head = f"[entities.{entity}]"
    start = text.index(head) + len(head)
    end = text.find("\n[", start)
    end = len(text) if end < 0 else end
    table = text[start:end]
    for name, value in settings.items():
        table = re.sub(rf"^{name} = .*\n", "", table, flags=re.MULTILINE)
        table = f'\n{name} = "{value}"{table}'
    path.write_text(text[:start] + table + text[end:])


def documents(journey: Journey, rev: str = "main") -> dict[str, str]:
    """Gives the blob of each committed document by its path."""
    lines = journey.git("ls-tree", "-r", rev, "data").splitlines()
    return {line.split("\t")[1]: line.split()[2] for line in lines}


def test_documents_move_as_pure_renames(journey: Journey) -> None:
    before = documents(journey)
    old_tip = journey.git("rev-parse", "main")
    configure(journey, "users", directory="data/people", shard="mod/1/1")

    report = journey.done("relayout", "-o", "json").json()

    after = documents(journey)
    assert "data/people/2/a/42.json" in after
    assert sorted(before.values()) == sorted(after.values())
    assert report["entities"]["users"]["files"] == report["files"] == 60
    assert journey.git("rev-parse", "main^") == old_tip
    assert journey.git("rev-parse", f"{report['snapshot']}^{{commit}}") == report["commit"]
    stat = journey.git("diff", "-M100%", "--diff-filter=AD", "--name-only", "main^", "main")
    assert stat == ""
    message = journey.git("log", "-1", "--format=%B")
    assert message.startswith(f"relayout {report['snapshot']}: 60 files in 1 entity\n")
    assert "\nGitexport-Setup: relayout\n" in message
    assert "\nGitexport-Source: " in message
    assert journey.git("status", "--porcelain") == ""
    assert (journey.path / "data/people/2/a/42.json").is_file()
    assert not (journey.path / "data/users").exists()
    assert 'shard = "mod/1/1"' in journey.git("show", "main:gitexport.toml")
    fsck(journey.path)


def test_attributes_follow_the_directory(journey: Journey) -> None:
    path = journey.path / ".gitattributes"
    path.write_bytes(b"*.png binary # \xff\n" + path.read_bytes())
    journey.git("commit", "-q", "-a", "-m", "pictures")
    configure(journey, "users", directory="data/people")

    journey.done("relayout")

    asked = journey.git("check-attr", "merge", "--", "data/people/1.json", "data/users/1.json")
    assert asked.splitlines() == [
        "data/people/1.json: merge: gitexport",
        "data/users/1.json: merge: unspecified",
    ]
    assert path.read_bytes().startswith(b"*.png binary # \xff\n# What")
    assert journey.git("status", "--porcelain") == ""


def test_attributes_without_lines_of_gitexport_stay(journey: Journey) -> None:
    (journey.path / ".gitattributes").write_text("*.png binary\n")
    journey.git("commit", "-q", "-a", "-m", "pictures")
    configure(journey, "users", directory="data/people")

    journey.done("relayout")

    assert journey.git("show", "main:.gitattributes") == "*.png binary"


def test_flags_stay_trusted_after_it(journey: Journey) -> None:
    configure(journey, "users", shard="hash/1")
    journey.done("relayout")

    nothing = journey.done("export", "-o", "json").json()
    assert (nothing["snapshot"], nothing["mode"]) == (None, "incremental")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    change = journey.done("export", "-o", "json").json()
    assert change["mode"] == "incremental"
    assert change["entities"]["users"]["modified"] == 1
    assert change["entities"]["users"]["unchanged"] == 0


def test_export_straight_after_reads_only_what_is_pending(journey: Journey) -> None:
    configure(journey, "users", shard="hash/1")
    journey.done("relayout")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")

    change = journey.done("export", "-o", "json").json()

    assert change["mode"] == "incremental"
    assert change["entities"]["users"]["unchanged"] == 0


def test_nothing_to_move_makes_no_commit(journey: Journey) -> None:
    tip = journey.git("rev-parse", "main")

    report = journey.done("relayout", "-o", "json").json()

    assert (report["snapshot"], report["commit"], report["files"]) == (None, None, 0)
    assert journey.git("rev-parse", "main") == tip


def test_dry_run_writes_nothing(journey: Journey) -> None:
    configure(journey, "users", directory="data/people")
    tip = journey.git("rev-parse", "main")
    state = sorted((journey.path / ".git" / "gitexport").rglob("*"))

    report = journey.done("relayout", "--dry-run", "-o", "json").json()

    assert report["files"] == 60
    assert report["dry_run"] is True
    assert journey.git("rev-parse", "main") == tip
    assert sorted((journey.path / ".git" / "gitexport").rglob("*")) == state
    assert journey.git("status", "--porcelain") == " M gitexport.toml"


def test_two_entities_may_swap_their_directories(journey: Journey) -> None:
    before = documents(journey)
    configure(journey, "users", directory="data/order_details", shard="flat")
    configure(journey, "order_details", directory="data/users", shard="flat")

    journey.done("relayout")

    after = documents(journey)
    blobs = {path.rpartition("/")[2]: blob for path, blob in before.items()}
    assert after["data/order_details/42.json"] == blobs["42.json"]
    assert after["data/users/10248,11.json"] == blobs["10248,11.json"]
    assert len(after) == len(before)
    assert journey.git("status", "--porcelain") == ""


def test_renamed_entity_keeps_its_documents(journey: Journey) -> None:
    before = documents(journey)
    path = journey.path / "gitexport.toml"
    path.write_text(path.read_text().replace("[entities.users]", "[entities.people]"))
    configure(journey, "people", renamed_from="users", directory="data/people")

    journey.done("relayout")

    assert sorted(documents(journey).values()) == sorted(before.values())
    names = journey.git("ls-tree", "--name-only", "main:relations").splitlines()
    assert names == ["order_details.json", "people.json"]
    assert journey.done("show", "latest", "people:42").out.startswith("{")
    lives = journey.done("log", "people:42", "-o", "json").json()["snapshots"]
    assert [event["change"]["kind"] for event in lives] == ["renamed", "added"]


def test_long_keys_move_by_the_digest_in_their_name(journey: Journey) -> None:
    journey.sql("CREATE TABLE words (word text PRIMARY KEY)")
    journey.sql("INSERT INTO words VALUES (repeat('long ', 80)), ('short')")
    journey.done("init")
    journey.done("track")
    journey.export()
    before = sorted(documents(journey).values())
    configure(journey, "words", shard="hash/1/1")

    journey.done("relayout")
    assert sorted(documents(journey).values()) == before
    expected = b"/".join(
        PathFunction("data/words", Shard.parse("hash/1/1"), (False,)).path(("long " * 80,))
    )
    assert expected.decode() in documents(journey)
    configure(journey, "words", shard="flat")
    journey.done("relayout")
    assert sorted(documents(journey).values()) == before
    assert journey.done("export", "--full", "-o", "json").json()["snapshot"] is None


def change_key(journey: Journey) -> None:
    """Names users by their names instead of their id, in the configuration alone."""
    configure(journey, "users", shard="hash/1")
    path = journey.path / "gitexport.toml"
    path.write_text(path.read_text().replace('key = ["id"]', 'key = ["name"]'))


def test_another_key_names_documents_anew(journey: Journey) -> None:
    journey.sql("ALTER TABLE users ALTER name SET NOT NULL, ADD UNIQUE (name)")
    journey.export()
    before = documents(journey)
    change_key(journey)
    stopped = journey.run("export")
    assert stopped.code == 6
    assert "gitexport relayout" in stopped.err

    report = journey.done("relayout", "-o", "json").json()

    after = documents(journey)
    assert report["entities"]["users"]["former_key"] == ["id"]
    assert report["files"] == 60
    assert sorted(before.values()) == sorted(after.values())
    assert not any(path.endswith("/42.json") and "/users/" in path for path in after)
    assert "(hash/1), before by id\n" in journey.git("log", "-1", "--format=%B")
    journey.done("track")
    export = journey.done("export", "-o", "json").json()
    assert export["entities"]["users"]["unchanged"] == 60
    assert documents(journey) == after
    journey.done("log")
    fsck(journey.path)


def test_way_back_from_another_key(journey: Journey) -> None:
    journey.sql("ALTER TABLE users ALTER name SET NOT NULL, ADD UNIQUE (name)")
    journey.export()
    before, written = documents(journey), (journey.path / "gitexport.toml").read_text()
    change_key(journey)
    journey.done("relayout")

    (journey.path / "gitexport.toml").write_text(written)
    journey.done("relayout")

    assert documents(journey) == before


def test_another_key_in_the_same_layout_names_documents_anew(journey: Journey) -> None:
    journey.sql("ALTER TABLE users ALTER name SET NOT NULL, ADD UNIQUE (name)")
    configure(journey, "users", shard="hash/1")
    journey.done("relayout")
    journey.export("--full")
    before = documents(journey)
    change_key(journey)

    assert journey.done("relayout", "-o", "json").json()["files"] == 60

    after = documents(journey)
    assert sorted(before.values()) == sorted(after.values())
    assert before.keys() != after.keys()


def test_key_that_documents_do_not_tell_is_refused(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = NULL WHERE id = 7")
    journey.export()
    tip = journey.git("rev-parse", "main")
    change_key(journey)

    result = journey.run("relayout")

    assert result.code == 2
    assert "/7.json' cannot be named by the key (name)" in result.err
    assert journey.git("rev-parse", "main") == tip


def test_key_that_two_documents_share_is_refused(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'same' WHERE id IN (7, 8)")
    journey.export()
    change_key(journey)

    result = journey.run("relayout")

    assert result.code == 2
    assert "the key of 'users' is not unique" in result.err


def test_edited_document_stops_it(journey: Journey) -> None:
    configure(journey, "users", directory="data/people")
    path = next(name for name in documents(journey) if name.endswith("/42.json"))
    (journey.path / path).write_text("mine\n")
    tip = journey.git("rev-parse", "main")

    result = journey.run("relayout")

    assert result.code == 6
    assert path in result.err
    assert journey.git("rev-parse", "main") == tip
    assert (journey.path / path).read_text() == "mine\n"


def test_file_of_people_in_the_way_stops_it(journey: Journey) -> None:
    (journey.path / "data/people").mkdir(parents=True)
    (journey.path / "data/people/42.json").write_text("mine\n")
    journey.git("add", "data/people/42.json")
    journey.git("commit", "-q", "-m", "mine")
    configure(journey, "users", directory="data/people", shard="flat")

    result = journey.run("relayout")

    assert result.code == 6
    assert "'data/people/42.json' is in the way" in result.err


def test_shard_that_does_not_fit_the_key_is_refused(journey: Journey) -> None:
    configure(journey, "order_details", shard="mod/1")

    assert journey.run("relayout").code == 2


def test_key_that_the_shard_does_not_fit_is_told_with_its_type_and_line(journey: Journey) -> None:
    journey.sql("CREATE DOMAIN number AS bigint")
    journey.sql("CREATE TABLE counted (id number PRIMARY KEY, name text)")
    journey.done("init")
    configure(journey, "counted", shard="mod/1/1")
    lines = (journey.path / "gitexport.toml").read_text().splitlines()
    line = lines.index('shard = "mod/1/1"') + 1
    journey.done("track")

    error = json.loads(journey.run("export", "-o", "json").err.splitlines()[-1])

    assert error["code"] == 2
    assert error["where"] == f"gitexport.toml:{line}"
    assert error["error"].endswith("; the key of 'counted' is 'id' (public.number)")
    assert "hash/1/1" in error["hint"]


def test_bare_repository_needs_no_working_tree(journey: Journey, tmp_path: Path) -> None:
    configure(journey, "users", directory="data/people")
    journey.git("commit", "-q", "-m", "layout", "gitexport.toml")
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(journey.path), str(bare)], check=True)
    journey.path = bare

    report = journey.done("relayout", "-o", "json").json()

    assert report["files"] == 60
    places = {path.split("/")[1] for path in documents(journey)}
    assert places == {"people", "order_details"}


@pytest.mark.crash
@pytest.mark.parametrize("point", ["S5.objects", "S5.sealed", "S7.before", "S7.after", "S8.tagged"])
def test_killed_at_any_step_the_next_run_completes_it(journey: Journey, point: str) -> None:
    before = sorted(documents(journey).values())
    configure(journey, "users", directory="data/people")
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "relayout"]
    environment = dict(os.environ, GITEXPORT_FAULT=f"{point}:kill")
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr

    journey.done("relayout")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    journey.export()

    assert len(documents(journey)) == len(before)
    assert all(path.startswith(("data/people/", "data/order")) for path in documents(journey))
    assert journey.git("status", "--porcelain") == ""
    snapshots = journey.done("log", "-o", "json").json()["snapshots"]
    assert [entry["kind"] for entry in snapshots] == ["export", "relayout", "export"]
    tags = journey.git("tag").splitlines()
    assert len(tags) == 3
    fsck(journey.path)
