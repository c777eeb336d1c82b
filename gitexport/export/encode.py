"""Turns the rows of one share of an entity into documents, and records what became of each.

The same code serves one process and many: a share is all rows, or one of several disjoint
parts of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gitexport.canonical.encode import assemble, assemble_all
from gitexport.canonical.entity_paths import key_not_unique
from gitexport.errors import MachineError, UnsupportedValueError
from gitexport.export.scope import EntityPlan
from gitexport.export.spool import (
    AcknowledgementSpool,
    EditKind,
    EditSpool,
    SavedAcknowledgements,
)
from gitexport.export.validate import Validate
from gitexport.model.key_text import shown_key
from gitexport.model.ports import Key, RowProblem, RowQuery, SourceRow, SourceView
from gitexport.model.report import QuarantinedRow
from gitexport.store.pack import FragmentWriter, ObjectKind, object_id
from gitexport.store.stage import StageWriter
from gitexport.store.trees import TreeReader

REFUSED_BYTES = 95_000_000
WARNED_BYTES = 50_000_000
_TOLD_EVERY = 500
_BATCH_ROWS = 32
_BATCH_BYTES = 1 << 19


class _Document(NamedTuple):
    """A row's document, and where it goes."""

    key: Key
    version: str
    directory: bytes
    name: bytes
    content: bytes
    label: str | None


@dataclass(slots=True)
class ShareResult:
    """What reading one share of one entity gave."""

    name: str
    rows: int = 0
    added: int = 0
    modified: int = 0
    unchanged: int = 0
    is_cut: bool = False
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    tombstones: tuple[int, ...] = ()
    acknowledgements: SavedAcknowledgements | None = None

    @property
    def differing(self) -> int:
        """The rows whose documents are not as before, or were refused."""
        return self.added + self.modified + len(self.quarantined)


class Workbench(NamedTuple):
    """What one process writes to; a dry run has neither fragment nor stage."""

    reader: TreeReader
    edits: EditSpool
    fragment: FragmentWriter | None
    stage: StageWriter | None
    told: Callable[[int], None]


class ShareEncoder:
    """Encodes the rows of one share; one object for each entity and process."""

    def __init__(
        self,
        plan: EntityPlan,
        bench: Workbench,
        acknowledgements: AcknowledgementSpool,
        validate: Validate | None,
        *,
        with_details: bool,
    ) -> None:
        self._plan = plan
        self._bench = bench
        self._acknowledgements = acknowledgements
        self._validate = validate
        self._with_details = with_details
        self._result = ShareResult(plan.entity.name)

    def read(self, view: SourceView, query: RowQuery, most: int) -> None:
        """Encodes the rows that the query gives, until `most` of them were not as before.

        The query's rows are read to their end all the same, so that the view stays usable.
        """
        rows = told = 0
        # A limit counts row by row.
        size = 1 if query.is_ordered else _BATCH_ROWS
        for batch in _batches(view.rows(self._plan.entity, query), size):
            rows += len(batch)
            if self._result.differing >= most:
                self._result.is_cut = True
                continue
            self._encode(batch)
            if rows - told >= _TOLD_EVERY:
                self._bench.told(rows - told)
                told = rows
        self._bench.told(rows - told)
        self._result.rows += rows

    def cut(self) -> None:
        """Records that rows were left for another run."""
        self._result.is_cut = True

    def finish(self, tombstones: tuple[int, ...]) -> ShareResult:
        """Ends the share; `tombstones` are the ids of those that this run settles."""
        self._result.tombstones = tombstones
        self._result.acknowledgements = self._acknowledgements.finish()
        return self._result

    def depart(self, key: Key, version: str) -> None:
        """Records that a pending row left the entity's filter."""
        self.bury(key)
        self._acknowledgements.write(key, version)

    def bury(self, key: Key) -> None:
        """Records that no row has this key any more."""
        directory, name = self._plan.paths.path(key)
        self._bench.edits.write_name(directory, name, EditKind.DELETED)

    def keep_living(self, key: Key) -> None:
        """Records that a row with this key exists."""
        directory, name = self._plan.paths.path(key)
        self._bench.edits.write_name(directory, name, EditKind.LIVING)

    def _encode(self, rows: Sequence[SourceRow]) -> None:
        """Takes a batch of rows through all steps, one step for all of them after the other.

        Row by row, each step finds the processor's caches full of what the others need, and
        a document takes half as long again.
        """
        documents = self._documents(rows)
        blobs = [object_id(ObjectKind.BLOB, document.content) for document in documents]
        new = [
            (document, blob, kind)
            for document, blob in zip(documents, blobs, strict=True)
            if (kind := self._compare(document, blob)) is not EditKind.KEPT
        ]
        self._write(new)
        for document in documents:
            if document.version:
                self._acknowledgements.write(document.key, document.version)

    def _documents(self, rows: Sequence[SourceRow]) -> list[_Document]:
        """Gives the documents of rows, but of those that are quarantined."""
        texts = [row.text for row in rows if row.text is not None]
        contents: Sequence[bytes | None] | None = None
        if len(texts) == len(rows):
            contents = assemble_all(texts, self._plan.nested)
        return [
            found
            for row, content in zip(rows, contents or [None] * len(rows), strict=True)
            if (found := self._document(row, content)) is not None
        ]

    def _document(self, row: SourceRow, content: bytes | None) -> _Document | None:
        """Gives the document of a row, whose content may be made; None if it is quarantined."""
        key, version, size, text, problem, label = row
        directory, name = self._plan.paths.path(key)
        if text is None:
            self._quarantine(key, directory, name, *(problem or RowProblem(_too_large(size))))
            return None
        try:
            if content is None:
                content = assemble(text, self._plan.nested)
            if self._validate is not None:
                self._validate(content)
        except UnsupportedValueError as error:
            self._quarantine(key, directory, name, error.message, error.where)
            return None
        length = len(content)
        if length > WARNED_BYTES:
            if length > REFUSED_BYTES:
                self._quarantine(key, directory, name, _too_large(length))
                return None
            self._result.warnings.append(
                f"{self._plan.entity.name}:{','.join(key)} has {length:,} bytes; "
                f"hosts refuse files over 100 MB"
            )
        return _Document(key, version, directory, name, content, label)

    def _compare(self, document: _Document, blob: bytes) -> EditKind:
        """Tells what a document is to the base, and counts it."""
        bench, result = self._bench, self._result
        directory, name = document.directory, document.name
        known = bench.reader.blob(directory, name)
        if known == blob:
            result.unchanged += 1
            bench.edits.write_name(directory, name, EditKind.KEPT)
            return EditKind.KEPT
        kind = EditKind.ADDED if known is None else EditKind.MODIFIED
        if kind is EditKind.ADDED:
            result.added += 1
        else:
            result.modified += 1
        if self._with_details:
            entity = self._plan.entity.name
            result.details.append(_detail(entity, document.key, document.label, kind))
        return kind

    def _write(self, new: Sequence[tuple[_Document, bytes, EditKind]]) -> None:
        """Writes objects, files for the working tree, and edits of their directories."""
        bench = self._bench
        if bench.fragment is not None:
            for document, blob, _ in new:
                bench.fragment.add_known(ObjectKind.BLOB, blob, document.content)
        stats = [self._stage(document) for document, _, _ in new]
        for (document, blob, kind), stat in zip(new, stats, strict=True):
            bench.edits.write_file(
                document.directory, document.name, kind, blob, len(document.content), stat
            )

    def _stage(self, document: _Document) -> bytes | None:
        stage = self._bench.stage
        if stage is None:
            return None
        try:
            return stage.write(document.directory, document.name, document.content)
        except MachineError as error:
            if isinstance(error.__cause__, FileExistsError):
                path = (document.directory + b"/" + document.name).decode()
                raise key_not_unique(self._plan.entity, path) from error
            raise

    def _quarantine(
        self, key: Key, directory: bytes, name: bytes, reason: str, column: str | None = None
    ) -> None:
        self._bench.edits.write_name(directory, name, EditKind.KEPT)
        self._result.quarantined.append(QuarantinedRow(shown_key(key), reason, column))


def _batches(rows: Iterable[SourceRow], size: int) -> Iterator[list[SourceRow]]:
    """Groups rows; a batch ends early where its texts are long, so that memory stays flat."""
    batch: list[SourceRow] = []
    length = 0
    for row in rows:
        batch.append(row)
        length += row.size
        if len(batch) >= size or length >= _BATCH_BYTES:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch


def _too_large(size: int) -> str:
    return f"the document has {size:,} bytes, more than the {REFUSED_BYTES:,} that hosts accept"


def _detail(entity: str, key: Key, label: str | None, kind: EditKind) -> str:
    named = f" ({label})" if label is not None else ""
    return f"{kind.name.lower()} {entity}:{','.join(key)}{named}"
