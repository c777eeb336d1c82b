"""Tracks by a boolean column of the relation itself: what is not TRUE is pending.

The version of a row is its `xmin`, and beside it the place where it was seen. The place
alone proves nothing (VACUUM FULL moves rows) and is only a hint that saves an index lookup
for each row: a row that has moved since stays pending.
"""

from __future__ import annotations

from psycopg import sql

from gitexport.errors import ConfigError
from gitexport.model.entity import Entity, ModifiedDimension
from gitexport.model.relation import Relation, RelationKind
from gitexport.source.postgresql.tracking.parts import ReadSql, column, identifier

XMIN_WIDTH = 10
"""Characters of the longest transaction id; shorter ones have spaces in front."""


def read_sql(entity: Entity, relation: Relation, alias: str) -> ReadSql:
    """Gives the parts of a SELECT that reads rows by their flag.

    Raises:
        ConfigError: The relation has no such column, or it is not boolean.
    """
    check_flag(entity, relation)
    flag = column(alias, entity.flag)
    pending: sql.Composable = sql.SQL("{} IS NOT TRUE").format(flag)
    if entity.modified is not None:
        pending = _pending_or_modified(entity, entity.modified, alias)
    # xmin has a fixed width, so that acknowledging can take a version apart by slicing.
    version = sql.SQL("lpad({}::text, {}) || {}::text").format(
        column(alias, "xmin"), sql.Literal(XMIN_WIDTH), column(alias, "ctid")
    )
    if relation.kind is RelationKind.PARTITIONED:
        tableoid = column(alias, "tableoid")
        version = sql.SQL("{} || {}::oid::text").format(version, tableoid)
    # A row whose flag is already TRUE needs no write: it was read because all were, or
    # because its dimension has changed.
    version = sql.SQL("CASE WHEN {} THEN '' ELSE {} END").format(flag, version)
    source = sql.SQL("{} AS {}").format(identifier(entity), sql.Identifier(alias))
    return ReadSql(source, pending, version)


def check_flag(entity: Entity, relation: Relation) -> None:
    """Checks that the flag column is there.

    Raises:
        ConfigError: The relation has no such column, or it is not boolean, or computed.
    """
    found = relation.column(entity.flag)
    if found is None:
        message = f"'{entity.relation}' has no flag column '{entity.flag}'"
        raise ConfigError(
            message,
            where=f"[entities.{entity.name}]",
            hint=f"run 'gitexport track --entity {entity.name}', or set tracking = \"compare\"",
        )
    if found.type_name != "boolean":
        message = f"the flag column '{entity.flag}' of '{entity.relation}' is not boolean"
        raise ConfigError(
            message, where=f"[entities.{entity.name}]", hint="name another column as 'flag'"
        )
    if found.generated is not None:
        message = f"the flag column '{entity.flag}' of '{entity.relation}' is a generated one"
        hint = "name another column as 'flag', or set tracking = \"table\""
        raise ConfigError(message, where=f"[entities.{entity.name}]", hint=hint)


def check_room(entity: Entity, relation: Relation) -> None:
    """Checks that a flag column can be added.

    Raises:
        ConfigError: The relation is a typed table, or has as many columns as there can be.
    """
    if relation.takes_columns:
        return
    message = (
        f"'{entity.relation}' has no flag column '{entity.flag}', and none can be added: it is a "
        "typed table, or has as many columns as a table can have"
    )
    hint = f'set tracking = "table" in [entities.{entity.name}]'
    raise ConfigError(message, where=f"[entities.{entity.name}]", hint=hint)


def _pending_or_modified(entity: Entity, modified: ModifiedDimension, alias: str) -> sql.Composable:
    """Writes the condition so that both halves can use an index.

    An OR over a subquery alone is always a sequential scan. The list of row places in front
    of it is found by the partial index and by the relation's index on the dimension's
    column, and becomes a TID scan; the OR behind it decides. In a partitioned table the
    places of other partitions are among them, which is why it must decide.
    """
    return sql.SQL(
        "({a}.ctid = ANY (ARRAY("
        "SELECT f.ctid FROM {t} AS f WHERE f.{flag} IS NOT TRUE UNION ALL "
        "SELECT m.ctid FROM {t} AS m WHERE m.{on} IN "
        "(SELECT d.{on} FROM {d} AS d WHERE d.{modified} IS TRUE)))"
        " AND ({a}.{flag} IS NOT TRUE OR {a}.{on} IN "
        "(SELECT d.{on} FROM {d} AS d WHERE d.{modified} IS TRUE)))"
    ).format(
        a=sql.Identifier(alias),
        t=identifier(entity),
        flag=sql.Identifier(entity.flag),
        on=sql.Identifier(modified.on),
        d=sql.Identifier(*modified.relation),
        modified=sql.Identifier(modified.column),
    )
