"""Plans `revert`: what undoes one snapshot's changes and keeps what came later.

A three-way merge with the snapshot's own document as the base: what later snapshots changed
stays, what it changed goes back to what was there before it, and a field that both changed is
a conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from gitexport.canonical.value import loads
from gitexport.compare.changes import tree_changes
from gitexport.compare.naming import key_of
from gitexport.compare.stored import StoredEntity, StoredTree
from gitexport.errors import UnsupportedValueError, UsageError
from gitexport.model.address import Address
from gitexport.model.changeset import ABSENT, DocumentChange
from gitexport.model.field_merge import Side, merge_fields, same_value
from gitexport.model.pointer import get, parse_pointer, put
from gitexport.model.snapshot import Commit, Origin, OriginKind
from gitexport.restore.column_types import types_then
from gitexport.restore.plan import DocumentConflict, DocumentTarget, FileTarget, Plan
from gitexport.restore.tip import (
    Tip,
    blob_of,
    exists_in,
    field_of,
    matching,
    require_names,
    require_names_now,
    write_document,
)


def plan_revert(
    tip: Tip, commit: Commit, only: Sequence[Address] = (), side: Side | None = None
) -> Plan:
    """Plans to undo what a commit changed against its first parent.

    `side` decides conflicts: ours keeps today's value, theirs takes the one from before the
    commit; with None they are listed in the plan.

    Raises:
        UsageError: An address names nothing that the commit changed.
        ConfigError: The key of an entity was another one then.
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    plan = Plan(Origin(OriginKind.REVERT, commit.snapshot or commit.commit_id))
    history = tip.history
    after = history.at(bytes.fromhex(commit.tree_id))
    parent = history.repository.tree_of(commit.parents[0]) if commit.parents else None
    before = history.at(parent)
    undo = _Undo(tip, plan, tuple(only), side)
    entity: StoredEntity | None = None
    for change in tree_changes(history, before, after):
        if entity is None or entity.name != undo.name_today(change.entity):
            entity = undo.open_entity(change.entity, before, after)
        if entity is not None:
            undo.document(change, entity)
    undo.refuse_unmatched()
    if not only:
        undo.files(before, after)
    return plan


class _Undo:
    """Undoes document by document."""

    def __init__(self, tip: Tip, plan: Plan, only: tuple[Address, ...], side: Side | None) -> None:
        self._tip = tip
        self._plan = plan
        self._only = only
        self._side = side
        self._matched: set[Address] = set()
        self._left_out: set[str] = set()

    def name_today(self, name: str) -> str:
        """Gives the name by which the configuration knows an entity of a commit."""
        entity = self._tip.configured(name)
        return name if entity is None else entity.name

    def open_entity(self, name: str, before: StoredTree, after: StoredTree) -> StoredEntity | None:
        """Finds where the tip keeps an entity; None, and named, where it has none."""
        configured = self._tip.configured(name)
        found = None if configured is None else self._tip.tree.entity(configured.name)
        if found is None or not exists_in(found):
            if name not in self._left_out:
                self._left_out.add(name)
                self._plan.left_alone.append(f"'{name}' is no entity today and is left alone")
            return None
        for tree in (before, after):
            stored = tree.entity(name)
            if stored is not None:
                require_names(self._tip.history, tree, stored)
        require_names_now(self._tip, found)
        source = before.entity(name)
        if source is not None:
            self._plan.types[found.name] = types_then(source.relation, self._meant(found.name))
        return found

    def document(self, change: DocumentChange, entity: StoredEntity) -> None:
        """Plans one document; lists its conflicts where nobody decided them."""
        read = self._tip.read
        before = None if change.old_blob is None else bytes.fromhex(change.old_blob)
        made = None if change.new_blob is None else bytes.fromhex(change.new_blob)
        path, current = self._tip.document(entity, change.path)
        key = change.key
        if self._only and key is None:
            known = made or before
            key = None if known is None else key_of(read(known), entity)
        meant = matching(self._meant(entity.name), key)
        if self._only and not meant:
            return
        self._match(meant, before, made)
        target = DocumentTarget(entity.name, path, change.key, current, before)
        if meant and all(address.pointer for address in meant):
            self._merge(target, made, meant)
        elif current == made:
            if before != current:
                self._plan.targets.append(target)
        elif current != before:
            self._merge(target, made)

    def _match(
        self, addresses: Sequence[Address], before: bytes | None, made: bytes | None
    ) -> None:
        """Remembers the addresses that name a document, or a field of it that was changed."""
        for address in addresses:
            # What has matched before needs no look into documents.
            if address not in self._matched and self._is_changed(address, before, made):
                self._matched.add(address)

    def _is_changed(self, address: Address, before: bytes | None, made: bytes | None) -> bool:
        if not address.pointer:
            return True
        old, new = (
            field_of(None if blob is None else self._tip.read(blob), address.pointer)
            for blob in (before, made)
        )
        return not same_value(old, new)

    def refuse_unmatched(self) -> None:
        """Refuses addresses that name nothing that the commit changed."""
        for address in self._only:
            if address not in self._matched:
                message = f"'{address}' names nothing that {self._plan.origin.revision} changed"
                hint = f"see 'gitexport show {self._plan.origin.revision}'"
                raise UsageError(message, where=str(address), hint=hint)

    def files(self, before: StoredTree, after: StoredTree) -> None:
        """Plans the files made by queries; one that was renewed since is left alone."""
        for document in self._tip.history.publication.documents:
            path = document.path.encode()
            old, made, now = (tree.blob(path) for tree in (before, after, self._tip.tree))
            if old is None or old in {made, now}:
                continue
            if now == made:
                self._plan.files.append(FileTarget(document.path, now, old))
            else:
                self._plan.left_alone.append(f"'{document.path}' was renewed since and stays")

    def _meant(self, name: str) -> list[Address]:
        return [address for address in self._only if self.name_today(address.entity) == name]

    def _merge(
        self, target: DocumentTarget, made: bytes | None, fields: Sequence[Address] = ()
    ) -> None:
        base, ours, theirs = (
            self._value(target, blob) for blob in (made, target.current, target.wanted)
        )
        if fields:
            if not isinstance(base, dict) or not isinstance(theirs, dict):
                self._plan.left_alone.append(
                    f"{target.name} was added or deleted then, so no field of it is undone"
                )
                return
            theirs = _only_fields(base, theirs, fields)
        merged = merge_fields(base, ours, theirs, prefer=self._side or Side.OURS)
        if merged.conflicts and self._side is None:
            self._plan.conflicts.append(DocumentConflict(target.name, merged.conflicts))
            return
        content = None if merged.value is ABSENT else write_document(merged.value)
        wanted = None if content is None else blob_of(content)
        if wanted != target.current:
            self._plan.targets.append(replace(target, wanted=wanted, content=content))

    def _value(self, target: DocumentTarget, blob: bytes | None) -> object:
        if blob is None:
            return ABSENT
        try:
            return loads(self._tip.read(blob))
        except UnsupportedValueError as error:
            message = f"{target.name} cannot be merged: a version of it {error.message}"
            hint = "restore it whole, or leave it out with --only"
            raise UsageError(message, where=target.name, hint=hint) from error


def _only_fields(base: object, theirs: object, fields: Sequence[Address]) -> object:
    """Gives `base` with the named fields as `theirs` has them."""
    value = base
    for address in fields:
        path = parse_pointer(address.pointer or "")
        wanted = get(theirs, path)
        if not same_value(get(value, path), wanted):
            # What holds the field differs too, so it can only be undone as a whole.
            with suppress(LookupError):
                value = put(value, path, wanted)
    return value
