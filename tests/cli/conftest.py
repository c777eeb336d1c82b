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
ZOO = """
CREATE SCHEMA "Zoo";
CREATE TABLE "Zoo"."Wild Animals" (
    "select" int, "Name ""x"" y" text NOT NULL, json_exported boolean,
    twice int GENERATED ALWAYS AS ("select" * 2) STORED, PRIMARY KEY ("select"));
CREATE TABLE "Zoo".customers (id int PRIMARY KEY, born date, card text);
INSERT INTO "Zoo".customers VALUES (1, now(), '4111 1111 1111 1111');
CREATE TABLE "Zoo".keyless (a int);
CREATE VIEW "Zoo".seen AS SELECT * FROM "Zoo".customers;
CREATE TABLE "Zoo".years (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE "Zoo".year1 PARTITION OF "Zoo".years FOR VALUES FROM (0) TO (10);
CREATE TABLE "Zoo".parent (id int PRIMARY KEY);
CREATE TABLE "Zoo".child () INHERITS ("Zoo".parent);
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
def zoo(database: str) -> str:
    """A database with relations of every kind."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(ZOO)
    return database


@pytest.fixture
def data(shop: str, capsys: pytest.CaptureFixture[str], repository_path: Path) -> Program:
    """The program in a data repository of the shop, tracked."""
    program = Program(capsys, ["--dsn", shop, "-C", str(repository_path)])
    program.done("init")
    program.done("track")
    return program
