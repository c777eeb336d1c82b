"""A trigger of people's that refuses the flag's UPDATE stops its own entity, and nothing else."""

from __future__ import annotations

import pytest

from gitexport.errors import ConnectionFailedError, SourceError
from gitexport.model.entity import Tracking
from gitexport.model.report import ExportReport
from gitexport.source.postgresql import acknowledge, acknowledge_pairs
from tests.fixtures.workbench import Workbench

VALUE = "geheim"
REFUSE = f"""
CREATE FUNCTION "No"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'row % is frozen', OLD.name {{using}}; END $$;
CREATE TRIGGER a_no {{timing}} UPDATE ON frozen {{deferred}}
    FOR EACH ROW EXECUTE FUNCTION "No"();
INSERT INTO frozen VALUES (1, '{VALUE}')
"""


@pytest.fixture
def three(workbench: Workbench) -> Workbench:
    """Three entities; that in the middle will refuse."""
    for name in ("first", "frozen", "last"):
        workbench.sql(f"CREATE TABLE {name} (id int PRIMARY KEY, name text)")
        workbench.add_entity(name)
    workbench.sql("INSERT INTO first VALUES (1, 'a'); INSERT INTO last VALUES (1, 'z')")
    return workbench


def refuse(
    three: Workbench, using: str = "", timing: str = "BEFORE", deferred: str = ""
) -> ExportReport:
    """Makes rows of the entity in the middle refuse the flag's UPDATE, and exports."""
    three.sql(REFUSE.format(using=using, timing=timing, deferred=deferred))
    return three.export()


def pending(three: Workbench) -> list[int]:
    """Counts pending rows of each entity."""
    return [three.pending(name) for name in ("first", "frozen", "last")]


def told(error: SourceError) -> str:
    """Joins everything that people are told."""
    return f"{error.message}\n{error.where}\n{error.hint}"


@pytest.mark.parametrize("using", ["", "USING ERRCODE = 'check_violation'"])
@pytest.mark.parametrize(
    ("timing", "deferred"),
    [("BEFORE", ""), ("AFTER", ""), ("AFTER", "DEFERRABLE INITIALLY DEFERRED")],
)
def test_other_entities_are_acknowledged_and_the_trigger_is_named(
    three: Workbench, using: str, timing: str, deferred: str
) -> None:
    if deferred:
        three.sql("CREATE TABLE unused ()")
        statement = REFUSE.replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER")
        three.sql(statement.format(using=using, timing=timing, deferred=deferred))
        report = three.export()
    else:
        report = refuse(three, using, timing)

    assert (report.exit_code, list(report.not_acknowledged)) == (8, ["frozen"])
    assert pending(three) == [0, 1, 0]
    text = told(report.not_acknowledged["frozen"])
    state = "23514" if using else "P0001"
    assert "'public.frozen' could not be marked as exported: trigger 'a_no' raised" in text
    assert f"SQLSTATE {state}" in text
    assert f"snapshot '{report.snapshot}' is made" in text
    assert 'tracking = "table" in [entities.frozen]' in text
    assert "'json_exported' alone" in text
    assert VALUE not in text


def test_working_tree_shows_the_snapshot_and_the_next_run_makes_none(three: Workbench) -> None:
    refuse(three)
    three.check()
    assert VALUE in (three.path / "data/frozen/1.json").read_text()

    again = three.export()

    assert (again.snapshot, again.exit_code, list(again.not_acknowledged)) == (None, 8, ["frozen"])
    assert told(again.not_acknowledged["frozen"]).count("snapshot") == 0
    assert again.entities["frozen"].superseded == 0
    three.sql("UPDATE last SET name = 'later'")
    assert three.export().entities["last"].modified == 1
    assert pending(three) == [0, 1, 0]
    three.check()


def test_the_ways_on_lead_on(three: Workbench) -> None:
    refuse(three)
    three.change_entity("frozen", tracking=Tracking.TABLE)
    three.source.tracking.track(three.publication.repository_id, three.publication.entities)

    three.export()
    quiet = three.export()

    assert (quiet.snapshot, quiet.exit_code) == (None, 0)
    assert quiet.entities["frozen"].unchanged == 0


def test_hints_of_deleted_rows_are_dropped_all_the_same(three: Workbench) -> None:
    three.sql("INSERT INTO last VALUES (2, 'gone')")
    three.export()
    three.sql("DELETE FROM last WHERE id = 2")

    report = refuse(three)

    assert report.entities["last"].deleted == 1
    assert three.sql("SELECT count(*) FROM gitexport.tombstones") == [(0,)]


@pytest.mark.parametrize("processors", [True, False])
def test_large_batches_of_others_follow_one_that_is_refused(
    three: Workbench, monkeypatch: pytest.MonkeyPatch, *, processors: bool
) -> None:
    monkeypatch.setattr(acknowledge, "BATCH", 1000)
    monkeypatch.setattr(acknowledge, "has_processors", lambda: processors)
    monkeypatch.setattr(acknowledge, "ENOUGH", 2)
    assert acknowledge_pairs.ENOUGH
    for name in ("first", "last", "frozen"):
        three.sql(f"INSERT INTO {name} SELECT n, 'many' FROM generate_series(10, 4009) AS n")

    report = refuse(three)

    assert list(report.not_acknowledged) == ["frozen"]
    assert pending(three) == [0, 4001, 0]


def test_refusal_without_a_trigger_has_the_servers_words(three: Workbench) -> None:
    three.sql("INSERT INTO frozen VALUES (1, 'x')")
    three.sql("ALTER TABLE frozen ADD CONSTRAINT never CHECK (id > 1) NOT VALID")

    report = three.export()

    text = told(report.not_acknowledged["frozen"])
    assert 'the database refused: new row for relation "frozen" violates check' in text
    assert "let the table take an UPDATE of 'json_exported' alone" in text
    assert pending(three) == [0, 1, 0]


def test_a_lost_connection_leaves_the_working_tree_at_the_snapshot(three: Workbench) -> None:
    three.sql("INSERT INTO frozen VALUES (1, 'x')")
    three.progress.hooks["acknowledging"] = lambda: three.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'gitexport' AND datname = current_database()"
    )

    with pytest.raises(ConnectionFailedError) as caught:
        three.export()

    assert "is made; its rows stay pending" in told(caught.value)
    three.check()
    assert three.export().snapshot is None
    assert pending(three) == [0, 0, 0]


@pytest.mark.parametrize(
    "silence",
    [
        """CREATE FUNCTION hush() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER hush BEFORE UPDATE ON frozen FOR EACH ROW WHEN (OLD.id < 3)
            EXECUTE FUNCTION hush()""",
        "CREATE RULE hush AS ON UPDATE TO frozen WHERE OLD.id < 3 DO INSTEAD NOTHING",
    ],
)
def test_an_update_that_is_dropped_is_warned_of_once(three: Workbench, silence: str) -> None:
    three.sql("INSERT INTO frozen SELECT n, 'x' FROM generate_series(1, 5) AS n")
    three.sql(silence)

    report = three.export()

    assert (report.exit_code, report.entities["frozen"].superseded) == (0, 2)
    (warning,) = report.warnings
    assert warning.startswith("frozen: 2 rows stay pending, as ")
    assert "'hush' of 'public.frozen' drops the writing of 'json_exported'" in warning
    assert pending(three) == [0, 2, 0]


def test_rows_that_changed_meanwhile_are_not_warned_of(three: Workbench) -> None:
    three.sql(
        "INSERT INTO frozen VALUES (1, 'x'), (2, 'y');"
        " CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        " CREATE TRIGGER a_pass BEFORE UPDATE ON frozen FOR EACH ROW EXECUTE FUNCTION pass()"
    )
    three.progress.hooks["acknowledging"] = lambda: three.sql("UPDATE frozen SET name = 'later'")

    report = three.export()

    assert (report.entities["frozen"].superseded, report.warnings) == (2, [])
