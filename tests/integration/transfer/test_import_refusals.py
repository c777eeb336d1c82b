"""A document that cannot become a row is named with its path, and nothing is kept."""

from __future__ import annotations

import pytest

from tests.integration.transfer.conftest import Transfer


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"user 7"', '"\\ud800"'),
        ('"name"', '"na\\udfffme"'),
        ('"n": 7', '"n": "\\udc00\\ud800"'),
    ],
)
@pytest.mark.parametrize("match", [(), ("--match", "users=name"), ("--base", "")])
def test_half_of_a_surrogate_pair_is_named(
    users: Transfer, old: str, new: str, match: tuple[str, ...]
) -> None:
    base = users.git("tag").split()[0]
    source = users.edited("7.json", old, new)

    arguments = [argument or base for argument in match]
    refused = users.load("--mode", "upsert", *arguments, source=source)

    assert refused.code == 9, refused.err
    assert "users:7" in refused.err
    assert "data/users/7.json" in refused.err
    assert users.target.value("SELECT count(*) FROM users") == 0


def test_half_of_a_surrogate_pair_in_an_array_is_named(transfer: Transfer) -> None:
    table = "CREATE TABLE lists (id integer PRIMARY KEY, texts text[])"
    transfer.source.sql(table, "INSERT INTO lists VALUES (1, '{a,b}')")
    transfer.target.sql(table)
    transfer.snapshot()
    source = transfer.edited("1.json", '"b"', '"\\ud800"')

    refused = transfer.load("--mode", "upsert", source=source)

    assert refused.code == 9, refused.err
    assert "column 'texts' holds half of a surrogate pair" in refused.err
    assert "data/lists/0/1.json" in refused.err
