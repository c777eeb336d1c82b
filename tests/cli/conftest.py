"""The program, and a database with tables that it can publish."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program

SHOP = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id bigint PRIMARY KEY, name text NOT NULL, email text);
CREATE TABLE shop.orders (id bigint PRIMARY KEY, customer bigint REFERENCES shop.customers,
                          total numeric(10, 2), note jsonb);
INSERT INTO shop.customers SELECT i, 'Customer ' || i, 'c' || i || '@example.org'
  FROM generate_series(1, 20) i;
INSERT INTO shop.orders SELECT i, 1 + i % 20, i * 1.10, '{"b": 1, "a": [1.0]}'
  FROM generate_series(1, 50) i;
"""


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """The program, without a database."""
    return Program(capsys)


@pytest.fixture
def shop(database: str) -> str:
    """The connection string of a database with two tables."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SHOP)
    return database


@pytest.fixture
def data(shop: str, capsys: pytest.CaptureFixture[str], repository_path: Path) -> Program:
    """The program in a data repository of the shop, tracked."""
    program = Program(capsys, ["--dsn", shop, "-C", str(repository_path)])
    program.done("init")
    program.done("track")
    return program
