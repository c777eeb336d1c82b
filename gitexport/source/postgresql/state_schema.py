"""Makes the schema `gitexport`, and brings an older one to the newest version.

Each migration is a step from one version to the next and is never changed afterwards.
"""

from __future__ import annotations

from psycopg import sql

from gitexport.errors import ConfigError
from gitexport.source.postgresql.session import Cursor

MIGRATIONS = (
    """
CREATE TABLE gitexport.state (
    repository_id text PRIMARY KEY, fence bigint NOT NULL DEFAULT 0, tip text);
CREATE TABLE gitexport.tracked (
    id text PRIMARY KEY, relation text NOT NULL, flag_column text NOT NULL,
    method text NOT NULL, repository_id text NOT NULL, adds_column boolean NOT NULL,
    key text[] NOT NULL, definition text NOT NULL, storage text,
    UNIQUE (relation, flag_column, method));
CREATE TABLE gitexport.tombstones (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tracked text NOT NULL, key text[], is_void boolean NOT NULL DEFAULT false);
CREATE INDEX tombstones_tracked ON gitexport.tombstones (tracked, id);
CREATE SEQUENCE gitexport.change;
CREATE TABLE gitexport.pending (
    tracked text, key text[], seq bigint NOT NULL DEFAULT nextval('gitexport.change'),
    PRIMARY KEY (tracked, key))""",
)
"""The statements that lead from each version of the schema to the next."""

TABLES = ("version", "state", "tracked", "tombstones", "pending")


def plan_schema(version: int) -> list[sql.Composable]:
    """Lists the statements that bring the schema from a version to the newest; 0 is none."""
    statements: list[sql.Composable] = []
    if version == 0:
        statements.append(sql.SQL("CREATE SCHEMA gitexport"))
        statements.append(sql.SQL("CREATE TABLE gitexport.version (version integer NOT NULL)"))
        statements.append(sql.SQL("INSERT INTO gitexport.version VALUES (0)"))
    for migration in MIGRATIONS[version:]:
        statements.extend(sql.SQL(statement.strip()) for statement in migration.split(";"))
    if version < len(MIGRATIONS):
        newest = sql.Literal(len(MIGRATIONS))
        statements.append(sql.SQL("UPDATE gitexport.version SET version = {}").format(newest))
    return statements


def schema_version(cursor: Cursor) -> int:
    """Reads the version of the schema, 0 where there is none.

    Raises:
        ConfigError: A schema named `gitexport` is there, and not ours.
        psycopg.Error: The server refused a statement.
    """
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'gitexport'),"
        " EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n"
        " ON n.oid = c.relnamespace WHERE n.nspname = 'gitexport' AND c.relname = 'version')"
    )
    has_schema, has_version = cursor.fetchone() or (False, False)
    if not has_schema:
        return 0
    if not has_version:
        message = "there is a schema 'gitexport' that gitexport has not made"
        raise ConfigError(message, hint="rename it: ALTER SCHEMA gitexport RENAME TO …")
    cursor.execute("SELECT version FROM gitexport.version")
    row = cursor.fetchone()
    version = int(row[0]) if row else 0
    if version > len(MIGRATIONS):
        message = "the schema 'gitexport' was made by a newer gitexport"
        raise ConfigError(message, hint="upgrade gitexport")
    return version
