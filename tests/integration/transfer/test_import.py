"""Snapshots go into another database: all of it or nothing, and the rows are equal."""

from __future__ import annotations

import json
import re

from tests.integration.transfer.conftest import Transfer
from tests.integration.transfer.shop import ROWS, SHOP, TABLES

BY_KEY = ("--match", "people=id", "--match", "teams=id")


def _fill(transfer: Transfer) -> str:
    transfer.source.sql(SHOP, ROWS)
    transfer.target.sql(SHOP)
    return transfer.snapshot()


def test_an_empty_copy_becomes_equal_row_for_row(transfer: Transfer) -> None:
    _fill(transfer)

    report = transfer.loaded("--mode", "upsert")

    assert transfer.target.dump(*TABLES) == transfer.source.dump(*TABLES)
    assert report["entities"]["lines"]["inserted"] == 40
    assert {found["treatment"] for found in report["references"]} == {
        "same relation",
        "second pass",
    }
    assert report["format"] == "gitexport.import/v1"


def test_sequences_and_identities_go_on_past_the_highest_value(transfer: Transfer) -> None:
    _fill(transfer)
    transfer.loaded("--mode", "upsert")

    transfer.target.sql("INSERT INTO people (email) VALUES ('new')")
    transfer.target.sql("INSERT INTO teams (name, lead_id) VALUES ('new', 1)")

    assert transfer.target.value("SELECT id FROM people WHERE email = 'new'") == 31
    assert transfer.target.value("SELECT id FROM teams WHERE name = 'new'") == 5


def test_a_second_import_touches_no_row(transfer: Transfer) -> None:
    _fill(transfer)
    transfer.loaded(*BY_KEY, "--mode", "upsert")
    before = transfer.target.rows("SELECT xmin::text, ctid::text FROM people ORDER BY id")

    report = transfer.loaded(*BY_KEY, "--mode", "mirror")

    assert all(entity["unchanged"] for entity in report["entities"].values())
    assert transfer.target.rows("SELECT xmin::text, ctid::text FROM people ORDER BY id") == before


def test_skip_leaves_rows_upsert_updates_and_mirror_deletes(transfer: Transfer) -> None:
    _fill(transfer)
    transfer.loaded(*BY_KEY, "--mode", "upsert")
    transfer.target.sql(
        "UPDATE people SET mood = NULL WHERE id IN (5, 6)",
        "DELETE FROM people WHERE id = 30",
        "INSERT INTO people VALUES (99, 'only here')",
    )

    skipped = transfer.loaded(*BY_KEY, "--mode", "skip")["entities"]["people"]
    assert (skipped["inserted"], skipped["updated"], skipped["skipped"]) == (1, 0, 29)
    assert skipped["reason"] == "it is there already"
    assert transfer.target.value("SELECT count(*) FROM people WHERE mood IS NULL") == 3

    updated = transfer.loaded(*BY_KEY, "--mode", "upsert")["entities"]["people"]
    assert (updated["inserted"], updated["updated"], updated["deleted"]) == (0, 2, 0)
    assert transfer.target.value("SELECT count(*) FROM people WHERE id = 99") == 1

    mirrored = transfer.loaded(*BY_KEY, "--mode", "mirror")["entities"]["people"]
    assert (mirrored["updated"], mirrored["deleted"]) == (0, 1)
    assert transfer.target.dump(*TABLES) == transfer.source.dump(*TABLES)


def test_each_entity_may_have_a_mode_of_its_own(transfer: Transfer) -> None:
    _fill(transfer)
    transfer.loaded("--mode", "upsert")
    transfer.target.sql("UPDATE people SET mood = NULL", "UPDATE lines SET what = 'other'")

    report = transfer.loaded("--mode", "upsert", "--mode", "lines=skip")

    assert report["entities"]["people"]["updated"] == 30
    assert report["entities"]["lines"]["skipped"] == 40
    assert transfer.target.value("SELECT DISTINCT what FROM lines") == "other"


def test_a_mirror_that_deletes_much_needs_a_decision(transfer: Transfer) -> None:
    _fill(transfer)
    transfer.loaded(*BY_KEY, "--mode", "upsert")
    transfer.target.sql("INSERT INTO people SELECT n, n::text FROM generate_series(1000, 1200) n")

    refused = transfer.load(*BY_KEY, "--mode", "mirror")

    assert refused.code == 6
    assert "201 of 231 rows of 'public.people' would be deleted" in refused.err
    assert transfer.target.value("SELECT count(*) FROM people") == 231
    transfer.loaded(*BY_KEY, "--mode", "mirror", "--override", "deletes")
    assert transfer.target.value("SELECT count(*) FROM people") == 30


def test_a_dry_run_says_what_then_happens_and_changes_nothing(transfer: Transfer) -> None:
    _fill(transfer)
    transfer.target.sql("INSERT INTO people VALUES (3, 'p3@example.org'), (77, 'x')")
    before = transfer.target.dump(*TABLES)

    plan = transfer.loaded(*BY_KEY, "--mode", "mirror", "--dry-run")

    assert transfer.target.dump(*TABLES) == before
    assert (plan["dry_run"], plan["done"]) == (True, False)
    report = transfer.loaded(*BY_KEY, "--mode", "mirror")
    assert plan["entities"] == report["entities"]
    assert transfer.target.dump(*TABLES) == transfer.source.dump(*TABLES)


def test_only_and_exclude_choose_entities_and_documents(transfer: Transfer) -> None:
    _fill(transfer)

    report = transfer.loaded(
        "--mode", "upsert", "--only", "people", "--only", "teams:1", "--only", "teams:3",
        "--only", "teams:2", "--only", "events:202*,*", "--only", "teams:4",
        "--exclude", "events:*,12",
    )  # fmt: skip

    assert set(report["entities"]) == {"people", "teams", "events"}
    assert transfer.target.rows("SELECT no FROM events ORDER BY no") == [
        (7,),
        (8,),
        (9,),
        (10,),
        (11,),
    ]


def test_a_reference_that_leads_nowhere_is_named_with_both_rows(transfer: Transfer) -> None:
    _fill(transfer)

    refused = transfer.load("--mode", "upsert", "--only", "lines:7,*")

    assert refused.code == 9
    assert re.search("lines:7,[12] refers to order:7, which neither", refused.err)
    assert transfer.target.value("SELECT count(*) FROM lines") == 0


def test_a_broken_constraint_names_document_and_path_and_nothing_is_kept(
    transfer: Transfer,
) -> None:
    _fill(transfer)
    transfer.target.sql("ALTER TABLE lines ADD CONSTRAINT few CHECK (order_id < 20)")

    refused = transfer.load("--mode", "upsert", "-o", "json")

    error = json.loads(refused.err.splitlines()[-1])
    assert refused.code == error["code"] == 9
    assert "lines:20," in error["error"]
    assert "'few'" in error["error"]
    assert re.fullmatch(r"data/lines/./20,[12]\.json", error["where"])
    assert transfer.target.value("SELECT count(*) FROM people") == 0


def test_nobody_to_agree_stops_before_any_row_changes(transfer: Transfer) -> None:
    _fill(transfer)

    refused = transfer.plainly(
        "import", str(transfer.path), "--dsn", transfer.target.dsn, "--mode", "upsert"
    )

    assert refused.code == 6
    assert "--yes" in refused.err
    assert "people" in refused.out
    assert transfer.target.value("SELECT count(*) FROM people") == 0
