"""Between reading and acknowledging nothing is lost, whoever writes or breaks off."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.errors import (
    ConfigError,
    SourceError,
)
from gitexport.export.options import Override
from gitexport.model.entity import Tracking
from tests.fixtures.workbench import Workbench

EDITS = frozenset({Override.EDITS})


def test_row_changed_between_reading_and_acknowledging_stays_pending(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'first' WHERE id IN (1, 2)")
    users.progress.hooks["acknowledging"] = lambda: users.sql(
        "UPDATE users SET name = 'second' WHERE id = 1"
    )

    report = users.export()

    assert report.entities["users"].superseded == 1
    assert users.pending("users") == 1
    assert "first" in users.files()["data/users/1.json"]
    users.export()
    assert "second" in users.files()["data/users/1.json"]


def test_locked_row_is_skipped_and_stays_pending(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id IN (1, 2)")
    with psycopg.connect(users.dsn) as other:
        other.execute("SELECT FROM users WHERE id = 1 FOR UPDATE")

        report = users.export()

    assert report.entities["users"].superseded == 1
    assert users.pending("users") == 1


def end_connections(bench: Workbench) -> None:
    bench.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'gitexport'"
    )


def test_connection_lost_while_reading_is_tried_again(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    users.progress.hooks["reading rows"] = lambda: end_connections(users)

    report = users.export()

    assert report.entities["users"].modified == 1
    assert any("trying again" in text for text in users.progress.warnings)
    users.check()


def test_connection_lost_before_acknowledging_says_what_is_made(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    users.progress.hooks["acknowledging"] = lambda: end_connections(users)

    with pytest.raises(SourceError) as caught:
        users.export()

    assert "is made" in (caught.value.where or "")
    assert users.commits() == 2
    assert users.pending("users") == 1
    assert users.export().snapshot is None
    assert users.pending("users") == 0
    users.check()


@pytest.mark.parametrize("partition", ["events_b", "events_b1"])
def test_partition_is_no_entity_beside_its_parent_with_the_same_flag(
    workbench: Workbench, partition: str
) -> None:
    workbench.sql(
        "CREATE TABLE events (id int, region text, name text, PRIMARY KEY (id, region))"
        " PARTITION BY LIST (region);"
        " CREATE TABLE events_b PARTITION OF events FOR VALUES IN ('b') PARTITION BY RANGE (id);"
        " CREATE TABLE events_b1 PARTITION OF events_b DEFAULT;"
        " INSERT INTO events VALUES (1, 'b', 'x')"
    )
    key = ("id", "region")
    workbench.add_entity("events", key=key)
    workbench.export()
    workbench.sql("UPDATE events SET name = 'changed'")
    entity = workbench.add_entity(partition, key=key, track=False)
    words = rf"'public.{partition}' is a partition of 'public.events', .* same flag"

    with pytest.raises(ConfigError, match=words):
        workbench.source.tracking.track(workbench.publication.repository_id, [entity])
    for chosen in ((), (partition,)):
        with pytest.raises(ConfigError, match=words) as refused:
            workbench.export(entities=chosen)

    assert refused.value.where == f"[entities.{partition}]"
    workbench.change_entity(partition, tracking=Tracking.COMPARE)
    workbench.export(entities=(partition,))
    assert workbench.export().entities["events"].modified == 1
