"""A small table of users, tracked and not exported yet."""

from __future__ import annotations

import pytest

from tests.fixtures.workbench import Workbench


@pytest.fixture
def users(workbench: Workbench) -> Workbench:
    workbench.sql("CREATE TABLE users (id int PRIMARY KEY, name text, extra json)")
    workbench.sql("INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 20) g")
    workbench.add_entity("users")
    return workbench
