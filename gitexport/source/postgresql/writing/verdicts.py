"""Finds out what becomes of each staged document: which rows are there, and which differ.

Rows are compared byte by byte on the server, which tells 1.0 from 1.00. `json` keeps the
spaces and the order of whoever wrote it, so where such columns differ, their canonical forms
decide, here. A value that says the same as the document is staged in the document's place, so
that an update leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from gitexport.canonical.nested import canonical_nested
from gitexport.model.ports import Key, NestedKind
from gitexport.model.writing import RowAction, WriteCounts
from gitexport.source.postgresql.copy_stream import copied, read_text
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.value_types import ValueType
from gitexport.source.postgresql.writing.refusals import unsuitable
from gitexport.source.postgresql.writing.stage import Stage

LOCKED_ONE_BY_ONE = 5000
"""Up to this many staged rows only those are locked, above it the relation."""


class Verdicts:
    """What becomes of one entity's staged documents, looked up once.

    `pg_temp.gitexport_verdict_N` holds a line for each document that has a row: `u` differs,
    `=` does not, `s` is left alone, `x` must not be there. The others are inserted.
    """

    def __init__(self, cursor: Cursor, stage: Stage) -> None:
        self._cursor = cursor
        self.stage = stage
        self._counts: WriteCounts | None = None

    def lock(self) -> None:
        """Keeps others from changing the rows concerned until the transaction ends.

        Raises:
            psycopg.Error: The server refused, or another session holds a lock too long.
        """
        stage, target = self.stage, self.stage.target
        stage.settle()
        if stage.rows + stage.deletions > LOCKED_ONE_BY_ONE:
            form = "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE"
            self._cursor.execute(sql.SQL(form).format(target.table))
            return
        for table in (stage.table, stage.gone):
            self._cursor.execute(
                sql.SQL(
                    "SELECT count(*) FROM (SELECT FROM {} AS r JOIN {} AS s ON {}"
                    " ORDER BY {} FOR UPDATE OF r) AS locked"
                ).format(
                    target.table,
                    table,
                    target.same_key("r", "s"),
                    sql.SQL(", ").join(sql.Identifier("r", name) for name in stage.key),
                )
            )

    def counts(self) -> WriteCounts:
        """Counts what would be done with what is staged.

        Raises:
            RowRefusedError: A row is there that must not be, or is not that must.
            psycopg.Error: The server refused a statement.
        """
        if self._counts is None:
            self._decide()
            self._check()
            self._counts = self._count()
        return self._counts

    def forget(self) -> None:
        """Has everything looked up again, because rows may have changed."""
        self._counts = None

    def _decide(self) -> None:
        stage, target = self.stage, self.stage.target
        stage.settle()
        self._cursor.execute(sql.SQL("TRUNCATE {}").format(stage.verdicts))
        if not self._has_rows():
            return
        self._keep_nulls()
        loose = [name for name in target.updatable if holds_json(target.types[name])]
        for shape in sorted(stage.used_shapes):
            names = [name for name in target.updatable if name not in stage.missing(shape)]
            strict = [name for name in names if name not in loose]
            self._cursor.execute(
                sql.SQL(
                    "INSERT INTO {verdicts} SELECT s.line, CASE"
                    " WHEN s.action = 'i' THEN 'x' WHEN s.action = 's' THEN 's'"
                    " WHEN {strict} THEN 'u' WHEN {all} THEN '?' ELSE '=' END::\"char\""
                    " FROM {stage} AS s JOIN {table} AS r ON {same} WHERE s.shape = {shape}"
                ).format(
                    verdicts=stage.verdicts,
                    strict=self._differs(strict),
                    all=self._differs(names),
                    stage=stage.table,
                    table=target.table,
                    same=target.same_key("r", "s"),
                    shape=sql.Literal(shape),
                )
            )
        if loose:
            self._compare_json(loose)
        self._cursor.execute(sql.SQL("ANALYZE {}").format(stage.verdicts))

    def _has_rows(self) -> bool:
        form = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(self.stage.target.table)
        return any(found for (found,) in self._cursor.execute(form).fetchall())

    def _differs(self, names: list[str]) -> sql.Composable:
        if not names:
            return sql.SQL("false")
        target = self.stage.target
        return sql.SQL("{} *<> {}").format(
            target.image("r", names, is_staged=False), target.image("s", names, is_staged=True)
        )

    def _keep_nulls(self) -> None:
        """Stages JSON's null where a row has it and the document has a null, which may be it."""
        target = self.stage.target
        for name in target.updatable:
            base = target.types[name].base
            if base.is_json:
                form = sql.Identifier("pg_catalog", f"{base.name}_typeof")
                condition = sql.SQL("s.{} IS NULL AND {}({}) = 'null'").format(
                    target.places[name], form, sql.Identifier("r", name)
                )
                self._keep(name, condition)

    def _compare_json(self, names: list[str]) -> None:
        stage, target = self.stage, self.stage.target
        pairs = [
            (sql.Identifier("r", name), sql.SQL("s.{}").format(target.places[name]))
            for name in names
        ]
        values = [sql.SQL("to_json({})::text").format(side) for pair in pairs for side in pair]
        statement = sql.SQL(
            "SELECT s.line::text, s.shape::text, v.verdict::text, {} FROM {} AS s"
            " JOIN {} AS v USING (line) JOIN {} AS r ON {} WHERE v.verdict IN ('?', 'u') AND {}"
        ).format(
            sql.SQL(", ").join(values),
            stage.table,
            stage.verdicts,
            target.table,
            target.same_key("r", "s"),
            self._differs(names),
        )
        equal: list[int] = []
        kept: dict[str, list[int]] = {name: [] for name in names}
        for line, shape, verdict, sides in _sides(self._cursor, statement, len(names)):
            missing = stage.missing(shape)
            same = [
                name
                for name, (row, staged) in zip(names, sides, strict=True)
                if name in missing or _canonical(row) == _canonical(staged)
            ]
            if verdict == "?" and len(same) == len(names):
                equal.append(line)
            else:
                for name in same:
                    kept[name].append(line)
        for name, lines in kept.items():
            if lines:
                form = sql.SQL("s.line = ANY ({}::int8[])")
                self._keep(name, form.format(sql.Literal(lines)))
        self._judge("=", sql.SQL("line = ANY ({}::int8[])").format(sql.Literal(equal)))
        self._judge("u", sql.SQL("verdict = '?'"))

    def _keep(self, name: str, condition: sql.Composable) -> None:
        """Stages the value that rows have in a column."""
        target = self.stage.target
        self._cursor.execute(
            sql.SQL("UPDATE {} AS s SET {} = r.{} FROM {} AS r WHERE {} AND {}").format(
                self.stage.table,
                target.places[name],
                sql.Identifier(name),
                target.table,
                target.same_key("r", "s"),
                condition,
            )
        )

    def _judge(self, verdict: str, condition: sql.Composable) -> None:
        self._cursor.execute(
            sql.SQL("UPDATE {} SET verdict = {} WHERE {}").format(
                self.stage.verdicts, sql.Literal(verdict), condition
            )
        )

    def _check(self) -> None:
        stage, target = self.stage, self.stage.target
        there = sql.SQL(
            "EXISTS (SELECT FROM {} AS v WHERE v.line = s.line AND v.verdict = 'x')"
        ).format(stage.verdicts)
        gone = sql.SQL(
            "s.action = 'u' AND NOT EXISTS (SELECT FROM {} AS v WHERE v.line = s.line)"
        ).format(stage.verdicts)
        name, relation = target.entity.name, target.entity.relation
        for key in stage.keys_of(there) if stage.takes(RowAction.INSERT) else ():
            raise unsuitable(name, key, f"'{relation}' has a row with this key already")
        for key in stage.keys_of(gone) if stage.takes(RowAction.UPDATE) else ():
            raise unsuitable(name, key, f"'{relation}' has no row with this key")
        for key, column in self._fixed():
            message = f"column '{column}' is always an identity, which no update changes"
            raise unsuitable(name, key, message)

    def _fixed(self) -> Iterator[tuple[Key, str]]:
        """Yields rows that would change where the server lets nothing be changed."""
        target = self.stage.target
        for name in set(target.insertable) - set(target.updatable) - set(self.stage.key):
            condition = sql.SQL(
                "EXISTS (SELECT FROM {} AS r WHERE {} AND r.{} IS DISTINCT FROM s.{})"
                " AND s.action IN ('u', 'p')"
            ).format(
                target.table, target.same_key("r", "s"), sql.Identifier(name), target.places[name]
            )
            for key in self.stage.keys_of(condition):
                yield key, name

    def _count(self) -> WriteCounts:
        stage = self.stage
        self._cursor.execute(
            sql.SQL("SELECT verdict::text, count(*) FROM {} GROUP BY 1").format(stage.verdicts)
        )
        found: dict[str, int] = dict(self._cursor.fetchall())
        return WriteCounts(
            inserted=stage.rows - sum(found.values()),
            updated=found.get("u", 0),
            unchanged=found.get("=", 0),
            skipped=found.get("s", 0),
            deleted=stage.deletions,
        )


def holds_json(value_type: ValueType) -> bool:
    """Tells whether values of a type hold text of `json` somewhere."""
    base = value_type.base
    if base.is_builtin and base.name == "json":
        return True
    inner = base.inner is not None and holds_json(base.inner)
    return inner or any(holds_json(kind) for _, kind in base.attributes)


_Sides = list[tuple[bytes | None, bytes | None]]


def _sides(
    cursor: Cursor, statement: sql.Composable, pairs: int
) -> Iterator[tuple[int, int, str, _Sides]]:
    for data in copied(cursor, statement):
        line, at = read_text(data, 0)
        shape, at = read_text(data, at)
        verdict, at = read_text(data, at)
        sides: _Sides = []
        for _ in range(pairs):
            row, at = read_text(data, at)
            staged, at = read_text(data, at)
            sides.append((row, staged))
        yield int(line or 0), int(shape or 0), (verdict or b"").decode(), sides


def _canonical(value: bytes | None) -> bytes | None:
    return None if value is None else canonical_nested(value, NestedKind.EXACT)
