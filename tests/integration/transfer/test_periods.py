"""References to periods: several rows answer one together, and the database decides."""

from __future__ import annotations

import pytest

from tests.integration.transfer.conftest import Transfer

TABLES = """
CREATE EXTENSION btree_gist;
CREATE TABLE prices (item int, during daterange, price int,
  PRIMARY KEY (item, during WITHOUT OVERLAPS));
CREATE TABLE orders (id int PRIMARY KEY, item int, during daterange,
  FOREIGN KEY (item, PERIOD during) REFERENCES prices (item, PERIOD during));
"""
ROWS = """
INSERT INTO prices VALUES (1, '[2020-01-01,2020-07-01)', 10), (1, '[2020-07-01,2021-01-01)', 11),
  (2, '[2020-01-01,)', 20);
INSERT INTO orders VALUES (1, 1, '[2020-03-01,2020-04-01)'), (2, 1, '[2020-06-01,2020-08-01)'),
  (3, 2, '[2030-01-01,)'), (4, 1, NULL);
"""


@pytest.fixture
def empty(transfer: Transfer) -> Transfer:
    """Two databases that know references to periods."""
    if transfer.source.connection.info.server_version < 180000:
        pytest.skip("this server does not know references to periods")
    return transfer


@pytest.fixture
def shop(empty: Transfer) -> Transfer:
    """A snapshot of prices and of orders within their periods."""
    empty.source.sql(TABLES, ROWS)
    empty.snapshot()
    return empty


def test_rows_come_into_the_same_tables(shop: Transfer) -> None:
    shop.target.sql(TABLES)

    report = shop.loaded("--mode", "upsert")

    assert shop.target.dump("prices", "orders") == shop.source.dump("prices", "orders")
    assert {name: found["phase"] for name, found in report["entities"].items()} == {
        "prices": 1,
        "orders": 2,
    }


def test_tables_are_made_with_their_periods(shop: Transfer) -> None:
    report = shop.loaded("--mode", "upsert", "--create")

    assert shop.target.dump("prices", "orders") == shop.source.dump("prices", "orders")
    definitions = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f') ORDER BY 1"
    )
    assert shop.target.rows(definitions) == shop.source.rows(definitions)
    assert not report["notes"]


def test_periods_that_are_there_already_count(shop: Transfer) -> None:
    shop.target.sql(TABLES)
    shop.target.sql(ROWS.partition("INSERT INTO orders")[0], "DELETE FROM prices WHERE price = 11")

    report = shop.loaded("--mode", "upsert")

    assert report["entities"]["prices"]["inserted"] == 1
    assert shop.target.dump("orders") == shop.source.dump("orders")


def test_an_order_outside_of_all_periods_is_named(shop: Transfer) -> None:
    shop.target.sql(TABLES)
    shop.target.sql(ROWS.partition("INSERT INTO orders")[0], "DELETE FROM prices WHERE price = 11")

    refused = shop.load("--mode", "upsert", "--exclude", "prices")

    assert refused.code == 9
    assert "orders:2 refers to" in refused.err
    assert "orders_item_during_fkey" in refused.err
    assert shop.target.value("SELECT count(*) FROM orders") == 0


def test_an_order_that_the_database_refuses_is_named(empty: Transfer) -> None:
    key = "PRIMARY KEY (item, during"
    tables = TABLES.replace(key, "id int PRIMARY KEY, UNIQUE (item, during", 1)
    empty.source.sql(tables, "INSERT INTO prices VALUES (1, '[2020-01-01,2021-01-01)', 10, 1)")
    empty.source.sql(
        "INSERT INTO orders VALUES (1, 1, '[2020-02-01,2020-03-01)'),"
        " (2, 1, '[2020-05-01,2020-06-01)')"
    )
    empty.snapshot()
    empty.target.sql(tables, "INSERT INTO prices VALUES (1, '[2020-01-01,2020-04-01)', 10, 1)")

    # The price of the target stays, and its period is the shorter one.
    refused = empty.load("--mode", "upsert", "--mode", "prices=skip")

    assert refused.code == 9
    assert "orders:2" in refused.err
    assert "orders:1" not in refused.err


def test_a_price_that_orders_still_need_is_named(shop: Transfer) -> None:
    shop.target.sql(TABLES, ROWS)
    shop.target.sql(
        "INSERT INTO prices VALUES (3, '[2020-01-01,)', 30), (4, '[2020-01-01,)', 40)",
        "INSERT INTO orders VALUES (5, 4, '[2020-05-01,2020-06-01)')",
    )

    refused = shop.load("--mode", "mirror", "--exclude", "orders")

    assert refused.code == 9
    assert "prices:4," in refused.err


def test_a_period_can_be_parted(shop: Transfer) -> None:
    shop.target.sql(TABLES)
    shop.target.sql(
        "INSERT INTO prices VALUES (1, '[2020-01-01,2021-01-01)', 10), (2, '[2019-01-01,)', 20)",
        "INSERT INTO orders SELECT 2, 1, '[2020-06-01,2020-08-01)'::daterange",
    )

    shop.loaded("--mode", "mirror")

    assert shop.target.dump("prices", "orders") == shop.source.dump("prices", "orders")


ITEMS = """
CREATE EXTENSION btree_gist;
CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE prices (item int REFERENCES items, during daterange, price int,
  PRIMARY KEY (item, during WITHOUT OVERLAPS));
CREATE TABLE orders (id int PRIMARY KEY, item int{}, during daterange,
  FOREIGN KEY (item, PERIOD during) REFERENCES prices (item, PERIOD during));
"""
ITEM_ROWS = """
INSERT INTO items (name) VALUES ('tea'), ('rice');
INSERT INTO prices VALUES (1, '[2020-01-01,2021-01-01)', 10), (2, '[2020-01-01,)', 20);
INSERT INTO orders VALUES (1, 2, '[2020-03-01,2020-04-01)');
"""


def test_a_period_of_rows_with_other_keys_follows_another_reference(empty: Transfer) -> None:
    tables = ITEMS.format(" REFERENCES items")
    empty.source.sql(tables, ITEM_ROWS)
    empty.snapshot()
    empty.target.sql(tables, "INSERT INTO items (name) VALUES ('oil'), ('salt'), ('rice')")

    empty.loaded("--mode", "upsert")

    price = "SELECT name, price FROM orders JOIN items i ON i.id = item JOIN prices USING (item)"
    assert empty.target.rows(price) == [("rice", 20)]
    assert empty.target.rows("SELECT item, during::text FROM orders") == [
        (3, "[2020-03-01,2020-04-01)")
    ]


def test_a_period_that_nothing_else_leads_to_is_refused(empty: Transfer) -> None:
    empty.source.sql(ITEMS.format(""), ITEM_ROWS)
    empty.snapshot()
    empty.target.sql(ITEMS.format(""))

    refused = empty.load("--mode", "upsert")

    assert refused.code == 2
    assert "refers to periods of 'prices'" in refused.err
    assert "entity 'orders'" in refused.err
    empty.loaded("--mode", "upsert", "--match", "items=id")
    assert empty.target.dump("orders") == empty.source.dump("orders")
