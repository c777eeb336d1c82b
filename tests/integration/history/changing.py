"""Makes a history of some length."""

from __future__ import annotations

from tests.fixtures.journey import Journey


def change_something(journey: Journey) -> tuple[str, str]:
    """Makes two more snapshots; gives their tags."""
    journey.sql("UPDATE users SET name = 'Ann', place = '{\"city\": \"Bern\"}' WHERE id = 42")
    journey.sql("DELETE FROM users WHERE id = 7")
    second = journey.export()
    journey.sql("UPDATE order_details SET amount = 1.1 WHERE product_id = 11")
    journey.sql("UPDATE users SET name = 'Bea' WHERE id = 42")
    return second, journey.export()
