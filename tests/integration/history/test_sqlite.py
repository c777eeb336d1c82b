"""`gitexport history --to`: the history as a SQLite database, read back with sqlite3."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fixtures.journey import Journey
from tests.integration.history.changing import change_something
from tests.integration.history.history_file import ask


def at(file: Path, snapshot: str, entity: str) -> dict[str, str]:
    """Gives the documents of an entity that a snapshot held, by key, from the file."""
    query = """
        SELECT key, document FROM versions WHERE entity = ? AND document IS NOT NULL
        AND from_snapshot <= ? AND (to_snapshot IS NULL OR to_snapshot > ?)
    """
    rows = ask(file, query, entity, snapshot, snapshot)
    found = dict(rows)
    assert len(found) == len(rows)
    return found


def documents(journey: Journey, snapshot: str, directory: str) -> set[str]:
    """Gives the documents that git has in a directory of a snapshot."""
    paths = journey.git("ls-tree", "-r", "--name-only", snapshot, directory).splitlines()
    return {journey.git("cat-file", "blob", f"{snapshot}:{path}") for path in paths}


def test_every_snapshot_comes_back_from_the_file(journey: Journey, file: Path) -> None:
    second, third = change_something(journey)
    journey.sql("INSERT INTO users VALUES (7, 'again', NULL)")
    fourth = journey.export()

    report = journey.done("history", "--to", str(file), "-o", "json").json()

    tags = [row[0] for row in ask(file, "SELECT snapshot FROM snapshots ORDER BY snapshot")]
    assert tags[1:] == [second, third, fourth]
    assert (report["first"], report["last"], report["snapshots"]) == (tags[0], fourth, 4)
    assert report["versions"] == ask(file, "SELECT count(*) FROM versions")[0][0] == 72 + 2 + 2 + 1
    for tag in tags:
        for entity in ("users", "order_details"):
            held = at(file, tag, entity)
            assert set(held.values()) == documents(journey, tag, f"data/{entity}")
    life = "SELECT kind, from_snapshot, to_snapshot FROM versions WHERE key = '7' AND entity = ?"
    assert ask(file, life + " ORDER BY id", "users") == [
        ("added", tags[0], second),
        ("deleted", second, fourth),
        ("added", fourth, None),
    ]
    assert ask(file, "SELECT key FROM versions WHERE entity = 'order_details' LIMIT 1") == [
        ("10248,1",)
    ]


def test_changed_fields_are_exact(journey: Journey, file: Path) -> None:
    second, third = change_something(journey)
    journey.done("history", "--to", str(file))

    query = "SELECT snapshot, key, pointer, old, new FROM changes WHERE pointer IS NOT NULL"
    assert ask(file, query + " ORDER BY snapshot, key, pointer") == [
        (second, "42", "/name", '"user 42"', '"Ann"'),
        (second, "42", "/place/city", '"Rome"', '"Bern"'),
        (second, "42", "/place/zip", "42", None),
        (third, "10248,11", "/amount", "1.10", "1.1"),
        (third, "42", "/name", '"Ann"', '"Bea"'),
    ]
    counts = "SELECT added, modified, deleted, documents FROM snapshots ORDER BY snapshot"
    assert ask(file, counts) == [(72, 0, 0, 72), (0, 1, 1, 71), (0, 2, 0, 71)]
    assert ask(file, "SELECT * FROM entities ORDER BY entity") == [
        ("order_details", "public.order_details", '["order_id", "product_id"]', None),
        ("users", "public.users", '["id"]', "name"),
    ]


def test_views_show_what_is_there_now(journey: Journey, file: Path) -> None:
    journey.sql("ALTER TABLE order_details ADD COLUMN big numeric, ADD COLUMN ok boolean")
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"amount"', '"amount", "big", "ok"'))
    journey.sql("UPDATE order_details SET big = 123456789012345678901234567890, ok = true")
    change_something(journey)
    journey.done("history", "--to", str(file))

    row = "SELECT id, name, place FROM current_users WHERE id = 42"
    assert ask(file, row) == [(42, "Bea", '{"city":"Bern"}')]
    assert ask(file, "SELECT count(*) FROM current_users") == [(59,)]
    assert ask(
        file, "SELECT order_id, amount, big, ok FROM current_order_details WHERE product_id = 11"
    ) == [(10248, "1.1", "123456789012345678901234567890", "true")]
    names = ask(file, "SELECT name FROM pragma_table_info('current_users')")
    assert [name for (name,) in names] == ["id", "name", "place", "_since_snapshot"]


def test_part_begins_with_what_was_there(journey: Journey, file: Path) -> None:
    second, third = change_something(journey)

    journey.done("history", "--to", str(file), "--since", third, "users")

    kinds = "SELECT kind, from_snapshot, count(*) FROM versions GROUP BY kind ORDER BY kind"
    assert ask(file, kinds) == [("modified", third, 1), ("present", second, 59)]
    assert set(at(file, third, "users").values()) == documents(journey, third, "data/users")
    assert ask(file, "SELECT entity FROM entities") == [("users",)]


def test_addresses_choose_documents(journey: Journey, file: Path, tmp_path: Path) -> None:
    change_something(journey)

    journey.done(
        "history", "--to", str(file), "users:4*", "order_details:*,11", "--until", "latest~1"
    )

    keys = ask(file, "SELECT entity, key FROM versions GROUP BY entity, key ORDER BY entity, key")
    assert keys[0] == ("order_details", "10248,11")
    assert [key for _entity, key in keys[1:]] == sorted(["4", *map(str, range(40, 50))])
    assert ask(file, "SELECT count(*) FROM snapshots") == [(2,)]
    for arguments in (["users:4*"], ["users", "--until", "latest~1"], []):
        refused = journey.run("history", "--to", str(file), *arguments)
        assert refused.code == 2
        assert "another part of the history" in refused.err
    for address, word in (("user", "users"), ("users:1#/name", "whole documents")):
        refused = journey.run("history", "--to", str(tmp_path / "f"), address)
        assert (refused.code, refused.out) == (2, "")
        assert word in refused.err
        assert not (tmp_path / "f").exists()


def test_renamed_entity_in_another_layout_goes_on(journey: Journey, file: Path) -> None:
    journey.done("history", "--to", str(file))
    config = journey.path / "gitexport.toml"
    text = config.read_text().replace('"data/users"', '"data/people"')
    text = text.replace("[entities.users]", '[entities.people]\nrenamed_from = "users"')
    config.write_text(text)
    journey.done("relayout")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 1")
    last = journey.export()

    report = journey.done("history", "--to", str(file), "-o", "json").json()

    assert report["versions"] == 1, "documents that only moved are the same"
    assert set(at(file, last, "people").values()) == documents(journey, last, "data/people")
    names = "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name"
    assert ask(file, names) == [("changes",), ("current_order_details",), ("current_people",)]


def test_what_a_person_committed_in_between_is_not_lost(journey: Journey, file: Path) -> None:
    path = journey.done("show", "latest", "users:1", "-o", "json").json()["path"]
    (journey.path / path).write_text('{"id": 1, "name": "by hand", "place": null}\n')
    journey.git("commit", "-q", "-a", "-m", "mine\n\nGitexport-Snapshot: 20991231-000000")
    (journey.path / path).write_text("no JSON\n")
    journey.git("commit", "-q", "-a", "-m", "mine\n\nGitexport-Snapshot: 20991231-000001")

    journey.done("history", "--to", str(file))

    rows = ask(file, "SELECT kind, document, reason FROM versions WHERE key = '1' ORDER BY id")
    assert rows[-2][:2] == ("modified", '{"id": 1, "name": "by hand", "place": null}')
    assert rows[-1][:2] == ("modified", None)
    assert "is not JSON" in rows[-1][2]
    assert ask(file, "SELECT count(*) FROM current_users") == [(59,)]


def test_keys_that_are_too_long_for_names_of_files_are_whole(journey: Journey, file: Path) -> None:
    journey.sql("CREATE TABLE pages (url text PRIMARY KEY, hits integer)")
    url = "https://example.org/" + "a,b#" * 100
    journey.connection.execute("INSERT INTO pages VALUES (%s, 1)", (url,))
    journey.done("init", "--table", "pages")
    journey.done("track")
    journey.export()
    journey.sql("DELETE FROM pages")
    journey.export()

    journey.done("history", "--to", str(file), "pages:https*")

    address = url.replace(",", "\\,").replace("#", "\\#")
    assert ask(file, "SELECT kind, key FROM versions ORDER BY id") == [
        ("added", address),
        ("deleted", address),
    ]


def test_metadata_tells_what_the_file_is(journey: Journey, file: Path) -> None:
    journey.done("history", "--to", str(file))

    metadata = dict(ask(file, "SELECT name, value FROM metadata"))

    assert metadata["format"] == "gitexport.history/v1"
    assert metadata["last_commit"] == journey.git("rev-parse", "main")
    assert json.loads(metadata["addresses"]) == []
    assert f'id = "{metadata["repository"]}"' in (journey.path / "gitexport.toml").read_text()
