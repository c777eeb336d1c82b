"""`gitexport restore` in the repository: data as it was, as a new snapshot."""

from __future__ import annotations

import pytest

from tests.fixtures.journey import Journey
from tests.fixtures.repositories import fsck
from tests.integration.restore.restoring import document, documents, latest, manifest


def test_documents_are_those_of_the_snapshot(journey: Journey, first: str) -> None:
    old_tip = journey.git("rev-parse", "main")

    report = journey.done("restore", first, "-o", "json").json()

    assert documents(journey) == documents(journey, first)
    assert manifest(journey) == manifest(journey, first)
    assert report["entities"] == {"users": {"added": 1, "modified": 1, "deleted": 1}}
    assert report["restores"] == first
    assert journey.git("rev-parse", "main^") == old_tip
    assert journey.git("rev-parse", f"{report['snapshot']}^{{commit}}") == report["commit"]
    message = journey.git("log", "-1", "--format=%B")
    assert message.startswith(f"restore {report['snapshot']}: to {first}\n\n")
    assert f"\nGitexport-Restores: {first}\n" in message + "\n"
    assert "\nGitexport-Counts: users +1 ~1 -1\n" in message
    assert journey.git("status", "--porcelain") == ""
    assert not (journey.path / "data/users/99.json").exists()
    fsck(journey.path)


def test_restore_is_undone_by_a_restore(journey: Journey, first: str) -> None:
    before = documents(journey)
    last = latest(journey)

    journey.done("restore", first)
    journey.done("restore", last)

    assert documents(journey) == before
    assert journey.git("status", "--porcelain") == ""


def test_next_export_asks_who_wins(journey: Journey, first: str) -> None:
    rows = documents(journey)
    journey.done("restore", first)

    stopped = journey.run("export")
    assert stopped.code == 6
    assert "--override edits" in stopped.err
    journey.done("export", "--override", "edits")

    assert documents(journey) == rows
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_nothing_to_do_makes_no_commit(journey: Journey) -> None:
    tip = journey.git("rev-parse", "main")

    report = journey.done("restore", "latest", "-o", "json").json()

    assert (report["snapshot"], report["entities"]) == (None, {})
    assert journey.git("rev-parse", "main") == tip


def test_dry_run_writes_nothing(journey: Journey, first: str) -> None:
    tip = journey.git("rev-parse", "main")
    state = sorted((journey.path / ".git" / "gitexport").rglob("*"))

    report = journey.done("restore", first, "--dry-run", "-o", "json").json()

    assert report["entities"] == {"users": {"added": 1, "modified": 1, "deleted": 1}}
    assert (report["dry_run"], report["snapshot"]) == (True, None)
    assert journey.git("rev-parse", "main") == tip
    assert sorted((journey.path / ".git" / "gitexport").rglob("*")) == state


@pytest.mark.parametrize(
    ("addresses", "counts"),
    [
        (["users:42"], (0, 1, 0)),
        (["users:7", "users:99"], (1, 0, 1)),
        (["users:4*"], (0, 1, 0)),
        (["users"], (1, 1, 1)),
        (["order_details"], None),
    ],
)
def test_only_what_addresses_name_goes_back(
    journey: Journey, first: str, addresses: list[str], counts: tuple[int, int, int] | None
) -> None:
    arguments = [argument for address in addresses for argument in ("--only", address)]

    report = journey.done("restore", first, *arguments, "-o", "json").json()

    expected = {}
    if counts is not None:
        expected = {"users": dict(zip(("added", "modified", "deleted"), counts, strict=True))}
    assert report["entities"] == expected


def test_one_field_goes_back_and_the_others_stay(journey: Journey, first: str) -> None:
    journey.done("restore", first, "--only", "users:42#/place/city")

    assert document(journey, "users:42") == {
        "id": 42,
        "name": "Ann",
        "place": {"city": "Rome"},
    }
    assert journey.done("fmt", "--check").code == 0
    assert manifest(journey)["entities"]["users"]["bytes"] == sum(
        len(journey.git("cat-file", "blob", blob)) + 1
        for path, blob in documents(journey).items()
        if path.startswith("data/users/")
    )


def test_field_of_all_documents_leaves_out_what_was_not_there(journey: Journey, first: str) -> None:
    report = journey.done("restore", first, "--only", "users#/name", "-o", "json").json()

    assert report["entities"] == {"users": {"added": 0, "modified": 1, "deleted": 0}}
    assert any("users:7 does not exist today" in text for text in report["left_alone"])
    assert any("users:99 does not exist then" in text for text in report["left_alone"])
    assert document(journey, "users:42")["name"] == "user 42"
    assert document(journey, "users:42")["place"] == {"city": "Oslo"}


@pytest.mark.parametrize(
    "address",
    [
        "nobody", "users:1000", "users:x*", "users:1,2",
        "users:42#/nosuch", "users:41#/nosuch", "users:7#/nosuch", "users:99#/place/city",
        "users:1000#/name", "users#/nosuch", "users:4*#/place/nosuch",
    ],
)  # fmt: skip
def test_address_that_matches_nothing_is_refused(
    journey: Journey, first: str, address: str
) -> None:
    tip = journey.git("rev-parse", "main")

    assert journey.run("restore", first, "--only", address).code == 2
    assert journey.run("restore", first, "--database", "--yes", "--only", address).code == 2
    assert journey.git("rev-parse", "main") == tip


@pytest.mark.parametrize(
    "address",
    ["users:41#/name", "users:42#/place/zip", "users#/place/city", "users:4*#/name",
     "order_details#/amount", "users:99#/name"],
)  # fmt: skip
def test_field_that_was_there_then_or_is_now_is_known(
    journey: Journey, first: str, address: str
) -> None:
    journey.done("restore", first, "--dry-run", "--only", address)


def test_unknown_snapshot_is_refused(journey: Journey) -> None:
    result = journey.run("restore", "20010101-000000")

    assert result.code == 2
    assert "there is no snapshot '20010101-000000'" in result.err


def test_documents_go_to_todays_layout(journey: Journey, first: str) -> None:
    expected = sorted(documents(journey, first).values())
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"data/users"', '"data/people"'))
    journey.done("relayout")

    journey.done("restore", first)

    assert sorted(documents(journey).values()) == expected
    assert not [path for path in documents(journey) if path.startswith("data/users/")]
    assert '"data/people"' in journey.git("show", "main:gitexport.toml")
    assert journey.git("status", "--porcelain") == ""


def test_renamed_entity_goes_back_under_its_new_name(journey: Journey, first: str) -> None:
    expected = sorted(documents(journey, first).values())
    config = journey.path / "gitexport.toml"
    head = '[entities.people]\nrenamed_from = "users"'
    config.write_text(config.read_text().replace("[entities.users]", head))
    journey.done("relayout")

    report = journey.done("restore", first, "-o", "json").json()

    assert report["entities"] == {"people": {"added": 1, "modified": 1, "deleted": 1}}
    assert sorted(documents(journey).values()) == expected


def test_entity_that_did_not_exist_then_is_left_alone(journey: Journey, first: str) -> None:
    journey.sql("CREATE TABLE words (word text PRIMARY KEY); INSERT INTO words VALUES ('a')")
    journey.done("init")
    journey.done("track")
    journey.export()

    report = journey.done("restore", first, "-o", "json").json()

    assert "'words' did not exist then and is left alone" in report["left_alone"]
    assert any(path.startswith("data/words/") for path in documents(journey))


def test_key_that_was_another_one_is_refused(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users DROP CONSTRAINT users_pkey, ADD UNIQUE (name)")
    journey.sql("ALTER TABLE users ALTER name SET NOT NULL")
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('key = ["id"]', 'key = ["name"]'))
    config.write_text(config.read_text().replace('"block/1"', '"flat"'))
    tip = journey.git("rev-parse", "main")

    result = journey.run("restore", first)

    assert result.code == 2
    assert "not named by today's key" in result.err
    assert journey.git("rev-parse", "main") == tip


@pytest.mark.parametrize("command", ["restore", "revert"])
def test_key_of_a_layout_for_numbers_is_refused_as_another_one(
    journey: Journey, first: str, command: str
) -> None:
    """No text has a place in that layout, which damages nothing."""
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('key = ["id"]', 'key = ["name"]'))
    config.write_text(config.read_text().replace('"block/1"', '"hash/1"'))

    result = journey.run(command, first, "--dry-run")

    assert result.code == 2
    assert "not named by today's key then" in result.err


def test_key_of_an_exported_layout_for_numbers_is_refused_too(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users ALTER name SET NOT NULL, ADD UNIQUE (name)")
    config = journey.path / "gitexport.toml"
    written = config.read_text()
    journey.export()
    config.write_text(
        written.replace('key = ["id"]', 'key = ["name"]').replace("block/1", "hash/1")
    )
    journey.done("relayout")
    journey.done("track")
    journey.export()

    result = journey.run("restore", first, "--database", "--dry-run")

    assert result.code == 2
    assert "not named by today's key then" in result.err


def test_tip_that_has_the_names_of_another_key_is_refused(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users ALTER name SET NOT NULL, ADD UNIQUE (name)")
    journey.export()
    config = journey.path / "gitexport.toml"
    written = config.read_text()
    config.write_text(written.replace('key = ["id"]', 'key = ["name"]').replace("block", "hash"))
    journey.done("relayout")
    config.write_text(written)

    stopped = journey.run("restore", first)
    journey.done("relayout")
    journey.done("restore", first)

    assert stopped.code == 2
    assert "gitexport relayout" in stopped.err
    assert documents(journey) == documents(journey, first)


def test_edited_file_stops_it(journey: Journey, first: str) -> None:
    path = next(name for name in documents(journey) if name.endswith("/42.json"))
    (journey.path / path).write_text("mine\n")
    tip = journey.git("rev-parse", "main")

    result = journey.run("restore", first)

    assert result.code == 6
    assert path in result.err
    assert journey.git("rev-parse", "main") == tip
    assert (journey.path / path).read_text() == "mine\n"


def test_file_in_the_way_stops_it(journey: Journey, first: str) -> None:
    path = next(name for name in documents(journey, first) if name.endswith("/7.json"))
    (journey.path / path).write_text("mine\n")

    assert journey.run("restore", first).code == 6
    assert (journey.path / path).read_text() == "mine\n"


def test_edits_of_other_files_stay(journey: Journey, first: str) -> None:
    path = next(name for name in documents(journey) if name.endswith("/41.json"))
    (journey.path / path).write_text("mine\n")

    journey.done("restore", first)

    assert (journey.path / path).read_text() == "mine\n"
    assert journey.git("status", "--porcelain") == f" M {path}"


def test_branch_that_is_not_checked_out_is_moved_by_name(journey: Journey, first: str) -> None:
    journey.git("checkout", "-q", "-b", "other")

    report = journey.done("restore", first)

    assert "not checked out" in report.out
    assert documents(journey, "main") == documents(journey, first)
    assert journey.git("status", "--porcelain") == ""


def test_document_made_by_a_query_comes_from_the_snapshot(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    config.write_text(
        config.read_text()
        + '\n[documents."data/names.json"]\nquery = "SELECT name FROM public.users ORDER BY id"\n'
    )
    first = journey.export()
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 1")
    journey.export()

    report = journey.done("restore", first, "-o", "json").json()

    assert report["documents"] == ["data/names.json"]
    assert documents(journey) == documents(journey, first)


def test_hostile_text_is_harmless_on_the_terminal(journey: Journey) -> None:
    result = journey.run("restore", "\x1b[31mred")

    assert result.code == 2
    assert "\x1b" not in result.err
