"""A shop of five tables: references in a circle, partitions, and names that need quotes."""

from __future__ import annotations

SHOP = """
CREATE SCHEMA "Sales Dept";
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN percent AS numeric(5, 2) CHECK (VALUE >= 0);
CREATE TABLE people (id serial PRIMARY KEY, email text NOT NULL UNIQUE, mood mood,
    boss_id integer REFERENCES people, team_id integer);
CREATE TABLE teams (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE,
    lead_id integer NOT NULL REFERENCES people);
ALTER TABLE people ADD FOREIGN KEY (team_id) REFERENCES teams;
CREATE TABLE "Sales Dept"."Order" (id bigserial PRIMARY KEY,
    "user" text NOT NULL REFERENCES people (email), total numeric, share percent, "select" jsonb,
    twice numeric GENERATED ALWAYS AS (total * 2) STORED);
CREATE TABLE lines (order_id bigint REFERENCES "Sales Dept"."Order", line integer, what text,
    PRIMARY KEY (order_id, line));
CREATE TABLE events (day date, no integer, note text, PRIMARY KEY (day, no))
    PARTITION BY RANGE (day);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2000-01-01') TO ('2020-01-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2040-01-01');
"""
ROWS = """
INSERT INTO people SELECT n, 'p' || n || '@example.org', (ARRAY['sad', 'ok'])[1 + n % 2]::mood,
    CASE WHEN n > 1 THEN n / 2 END FROM generate_series(1, 30) n;
INSERT INTO teams OVERRIDING SYSTEM VALUE SELECT n, 'team ' || n, n FROM generate_series(1, 4) n;
UPDATE people SET team_id = 1 + id % 4;
INSERT INTO "Sales Dept"."Order" SELECT n, 'p' || n || '@example.org', n * 1.10, n * 1.5,
    jsonb_build_object('n', n, 'x', 1.50) FROM generate_series(1, 20) n;
INSERT INTO lines SELECT n, m, 'thing' FROM generate_series(1, 20) n, generate_series(1, 2) m;
INSERT INTO events SELECT '2019-12-25'::date + n, n, 'é 🐘' FROM generate_series(1, 12) n;
"""
TABLES = ("people", "teams", '"Sales Dept"."Order"', "lines", "events")
