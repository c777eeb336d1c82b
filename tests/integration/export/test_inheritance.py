"""A tracked table that becomes the parent of another one publishes no rows of its child."""

from __future__ import annotations

import pytest

from gitexport.errors import ConfigError, KeyNotUniqueError
from gitexport.model.entity import Tracking
from tests.fixtures.workbench import Workbench

CHILD = (
    "CREATE TABLE guests () INHERITS (members);"
    " INSERT INTO guests VALUES (1, 'row of the child'), (7, 'guest')"
)


@pytest.mark.parametrize("tracking", [Tracking.FLAG, Tracking.TABLE])
def test_tracked_table_that_became_a_parent_is_refused(
    workbench: Workbench, tracking: Tracking
) -> None:
    workbench.sql("CREATE TABLE members (id int PRIMARY KEY, name text)")
    workbench.sql("INSERT INTO members VALUES (1, 'a'), (2, 'b')")
    workbench.add_entity("members", tracking=tracking)
    workbench.export()
    before = workbench.files()
    workbench.sql(CHILD)

    for full in (False, True):
        with pytest.raises(ConfigError, match="it inherits or is inherited") as refused:
            workbench.export(full=full)

    assert refused.value.where == "[entities.members]"
    assert "NO INHERIT" in str(refused.value.hint)
    assert workbench.files() == before
    workbench.sql("ALTER TABLE guests NO INHERIT members; UPDATE members SET name = 'c'")
    assert workbench.export().entities["members"].modified == 2
    assert sorted(workbench.files()) == ["data/members/1.json", "data/members/2.json"]


def test_compared_parent_is_refused_where_a_child_has_the_same_key(workbench: Workbench) -> None:
    workbench.sql("CREATE TABLE members (id int PRIMARY KEY, name text)")
    workbench.sql("INSERT INTO members VALUES (1, 'a'), (2, 'b')")
    workbench.add_entity("members", tracking=Tracking.COMPARE)
    workbench.export()
    workbench.sql(CHILD)

    with pytest.raises(KeyNotUniqueError):
        workbench.export()
