"""Plans `restore`: which documents differ from those of an earlier snapshot."""

from __future__ import annotations

from collections.abc import Sequence

from gitexport.canonical.value import loads
from gitexport.compare.changes import tree_changes
from gitexport.compare.naming import key_of
from gitexport.compare.stored import StoredEntity, StoredTree
from gitexport.errors import UnsupportedValueError, UsageError
from gitexport.model.absent import ABSENT
from gitexport.model.address import Address
from gitexport.model.changeset import ChangeKind, DocumentChange
from gitexport.model.field_merge import same_value
from gitexport.model.pointer import get, parse_pointer, put
from gitexport.model.ports import Key
from gitexport.model.snapshot import Commit, Origin, OriginKind
from gitexport.restore.column_types import types_then
from gitexport.restore.plan import DocumentTarget, FileTarget, Plan
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


def plan_restore(tip: Tip, commit: Commit, only: Sequence[Address] = ()) -> Plan:
    """Plans to make documents like those of a snapshot, all or those that addresses name.

    Entities that the snapshot or the configuration does not have are left alone and named,
    as are documents made by queries where addresses are given.

    Raises:
        UsageError: An address names no document or field, here or there.
        ConfigError: The key of an entity was another one then.
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    then = tip.history.at(bytes.fromhex(commit.tree_id))
    plan = Plan(Origin(OriginKind.RESTORE, commit.snapshot or commit.commit_id))
    planner = _Planner(tip, then, plan, tuple(only))
    planner.refuse_unknown()
    for name in tip.tree.manifest.entities:
        planner.entity(name)
    for name in then.manifest.entities:
        if tip.configured(name) is None:
            plan.left_alone.append(f"'{name}' is no entity today; its documents are left out")
    if only:
        planner.refuse_unmatched()
    else:
        planner.documents()
    return plan


class _Planner:
    """Walks entity by entity; remembers which addresses have matched something."""

    def __init__(self, tip: Tip, then: StoredTree, plan: Plan, only: tuple[Address, ...]) -> None:
        self._tip = tip
        self._then = then
        self._plan = plan
        self._only = only
        self._matched: set[Address] = set()

    def refuse_unknown(self) -> None:
        """Refuses addresses of entities that nothing knows."""
        known = [entity.name for entity in self._tip.history.publication.entities]
        for address in self._only:
            if self._tip.configured(address.entity) is None:
                message = f"no entity '{address.entity}' in the configuration"
                hint = f"known entities: {', '.join(known) or 'none'}"
                raise UsageError(message, where=str(address), hint=hint)

    def entity(self, name: str) -> None:
        """Plans one entity of the tip."""
        tip = self._tip
        configured = tip.configured(name)
        if configured is None:
            self._plan.left_alone.append(f"'{name}' is no longer configured and is left alone")
            return
        addresses = [
            address for address in self._only if tip.configured(address.entity) == configured
        ]
        if self._only and not addresses:
            return
        now, then = tip.tree.entity(name), self._then.entity(name)
        if now is None or then is None or not exists_in(then):
            self._plan.left_alone.append(f"'{name}' did not exist then and is left alone")
            whole = [address for address in addresses if address.parts is None]
            self._matched.update(
                each for each in whole if not each.pointer or self._has(tip.tree, now, each)
            )
            return
        self._plan.meant[configured.name] = addresses
        require_names(tip.history, self._then, then)
        require_names_now(tip, now)
        self._plan.types[now.name] = types_then(then.relation, addresses)
        for change in tree_changes(tip.history, self._then, tip.tree, Address(configured.name)):
            self._document(change, now, addresses)
        self._pending_documents(now, then, addresses)
        self._look_for_unchanged(now, then, addresses)

    def _pending_documents(
        self, now: StoredEntity, then: StoredEntity, addresses: Sequence[Address]
    ) -> None:
        """Plans documents that only the overlay makes different."""
        for path in self._tip.overlay:
            key = now.paths.parse(path)
            name = path.rpartition(b"/")[2]
            directory = None if key is None else then.paths.directory_of(name)
            if directory is None:
                continue
            old = self._then.blob(directory + b"/" + name)
            if self._tip.tree.blob(path) == old:
                known = key if isinstance(key, tuple) else None
                kind = ChangeKind.MODIFIED
                change = DocumentChange(now.name, known, kind, path.decode(), old_blob=_hex(old))
                self._document(change, now, addresses)

    def _document(
        self, change: DocumentChange, now: StoredEntity, addresses: Sequence[Address]
    ) -> None:
        then_blob = None if change.old_blob is None else bytes.fromhex(change.old_blob)
        path, current = self._tip.document(now, change.path)
        if then_blob == current:
            return
        key = change.key
        if addresses and key is None:
            key = self._read_key(then_blob or current, now)
        meant = matching(addresses, key)
        self._match(meant, then_blob, current)
        if addresses and not meant:
            return
        if meant and all(address.pointer for address in meant):
            self._fields(DocumentTarget(now.name, path, key, current, then_blob), meant)
        else:
            self._plan.targets.append(
                DocumentTarget(now.name, path, change.key, current, then_blob)
            )

    def _fields(self, whole: DocumentTarget, addresses: Sequence[Address]) -> None:
        """Plans to bring back single fields of a document that is there, then and now."""
        if whole.current is None or whole.wanted is None:
            when = "today" if whole.current is None else "then"
            self._plan.left_alone.append(
                f"{whole.name} does not exist {when}, so no field of it is restored"
            )
            return
        read = self._tip.read
        old, new = loads(read(whole.wanted)), loads(read(whole.current))
        value: object = new
        for address in addresses:
            path = parse_pointer(address.pointer or "")
            wanted_field = get(old, path)
            if same_value(wanted_field, get(new, path)):
                continue
            try:
                value = put(value, path, wanted_field)
            except LookupError as error:
                self._plan.left_alone.append(
                    f"{whole.name}#{address.pointer} is not restored: {error}"
                )
        try:
            content = write_document(value)
        except UnsupportedValueError as error:
            message = f"{whole.name} would be no document: {error.message}"
            raise UsageError(message, where=whole.name) from error
        wanted = blob_of(content)
        if wanted != whole.current:
            self._plan.targets.append(
                DocumentTarget(whole.entity, whole.path, whole.key, whole.current, wanted, content)
            )

    def _look_for_unchanged(
        self, now: StoredEntity, then: StoredEntity, addresses: Sequence[Address]
    ) -> None:
        for address in addresses:
            if address not in self._matched and (
                (address.parts is None and not address.pointer)
                or self._has(self._tip.tree, now, address)
                or self._has(self._then, then, address)
            ):
                self._matched.add(address)

    def _has(self, tree: StoredTree, entity: StoredEntity | None, address: Address) -> bool:
        """Tells whether a commit has a document, or the field of one, that an address names."""
        if entity is None:
            return False
        if address.key is not None:
            try:
                blob = tree.blob(b"/".join(entity.paths.path(address.key)))
            except ValueError:
                return False
            return self._names(address, blob)
        documents = tree.documents(entity)
        return any(
            self._names(address, blob) for key, blob in documents if matching([address], key)
        )

    def _match(self, addresses: Sequence[Address], *versions: bytes | None) -> None:
        """Remembers the addresses that name a document, or a field in one of its versions."""
        for address in addresses:
            # What has matched before needs no look into documents.
            if address not in self._matched and any(
                self._names(address, blob) for blob in versions
            ):
                self._matched.add(address)

    def _names(self, address: Address, blob: bytes | None) -> bool:
        if blob is None or not address.pointer:
            return blob is not None
        return field_of(self._tip.read(blob), address.pointer) is not ABSENT

    def refuse_unmatched(self) -> None:
        """Refuses addresses that name no document or field, then or now."""
        for address in self._only:
            if address not in self._matched:
                what = "names no field" if address.pointer else "matches no document"
                message = f"'{address}' {what}, then or now"
                hint = f"see 'gitexport log {address.entity}'"
                raise UsageError(message, where=str(address), hint=hint)

    def documents(self) -> None:
        """Plans the files made by queries: those that the snapshot has."""
        for document in self._tip.history.publication.documents:
            path = document.path.encode()
            then, now = self._then.blob(path), self._tip.tree.blob(path)
            if then is not None and then != now:
                self._plan.files.append(FileTarget(document.path, now, then))

    def _read_key(self, blob: bytes | None, entity: StoredEntity) -> Key | None:
        if blob is None:
            return None
        return key_of(self._tip.read(blob), entity)


def _hex(blob: bytes | None) -> str | None:
    return None if blob is None else blob.hex()
