"""Plans `apply`: which documents a patch file changes, and where it does not fit."""

from __future__ import annotations

from gitexport.canonical.value import loads
from gitexport.compare.naming import has_key
from gitexport.compare.patch import apply_patch
from gitexport.compare.patch_file import DocumentPatch, PatchFile
from gitexport.compare.stored import StoredEntity
from gitexport.errors import PatchConflictError, UnsupportedValueError, UsageError
from gitexport.model.changeset import ABSENT, ComparedSide, FieldChange
from gitexport.model.field_merge import FieldConflict, same_value
from gitexport.model.pointer import get, parse_pointer
from gitexport.model.snapshot import Origin, OriginKind
from gitexport.restore.plan import DocumentConflict, DocumentTarget, Plan
from gitexport.restore.tip import Tip, blob_of, exists_in, write_document


def plan_apply(tip: Tip, patch: PatchFile) -> Plan:
    """Plans to make a patch's changes to documents of the tip, in the tip's layout.

    Documents that are already as the patch wants them are no conflict.

    Raises:
        UsageError: The patch names an entity that is not there, or would make of a document
            what is none.
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    plan = Plan(Origin(OriginKind.APPLY, f"{_side(patch.base)}..{_side(patch.target)}"))
    plan.left_alone += [f"the patch leaves out {sentence}" for sentence in patch.left_out]
    for document in patch.documents:
        entity = _entity(tip, document)
        target = _target(tip, entity, document)
        value = ABSENT if target.current is None else _value(tip, target)
        try:
            made = apply_patch(value, document.changes)
        except PatchConflictError as error:
            if not _is_made(value, document):
                plan.conflicts.append(_conflict(target, value, document, error))
            continue
        planned = _with_content(target, made)
        _refuse_other_key(entity, planned, value, made)
        if planned.wanted != planned.current:
            plan.targets.append(planned)
    return plan


def _side(side: ComparedSide) -> str:
    return side.snapshot or side.commit or "@database"


def _entity(tip: Tip, document: DocumentPatch) -> StoredEntity:
    configured = tip.configured(document.entity)
    found = None if configured is None else tip.tree.entity(configured.name)
    if found is None or not exists_in(found):
        message = f"the patch changes documents of '{document.entity}', which is no entity here"
        known = ", ".join(tip.tree.manifest.entities) or "none"
        raise UsageError(message, where=document.path, hint=f"known entities: {known}")
    return found


def _target(tip: Tip, entity: StoredEntity, document: DocumentPatch) -> DocumentTarget:
    path, current = tip.document(entity, document.path)
    key = entity.paths.parse(path)
    known = key if isinstance(key, tuple) else None
    return DocumentTarget(entity.name, path, known, current, current)


def _value(tip: Tip, target: DocumentTarget) -> object:
    assert target.current is not None  # noqa: S101 - asked by its caller
    try:
        return loads(tip.read(target.current))
    except UnsupportedValueError as error:
        message = f"{target.name} cannot be patched: it {error.message}"
        raise UsageError(message, where=target.name) from error


def _with_content(target: DocumentTarget, made: object) -> DocumentTarget:
    content = None
    if made is not ABSENT:
        try:
            content = write_document(made)
        except (UnsupportedValueError, ValueError) as error:
            message = f"the patch would make {target.name} what is no document"
            raise UsageError(message, where=target.name) from error
    wanted = None if content is None else blob_of(content)
    return DocumentTarget(target.entity, target.path, target.key, target.current, wanted, content)


def _refuse_other_key(
    entity: StoredEntity, target: DocumentTarget, value: object, made: object
) -> None:
    """A document stands where its key says, so the key cannot change in place."""
    if target.content is None:
        return
    is_named = None if target.key is None else has_key(target.content, entity, target.key)
    if is_named is not None:
        is_other = not is_named
    else:
        is_other = value is not ABSENT and any(
            not same_value(get(value, (name,)), get(made, (name,))) for name in entity.key
        )
    if is_other:
        message = f"the patch would give {target.name} another key"
        hint = "remove the document and add one with the new key"
        raise UsageError(message, where=target.name, hint=hint)


def _is_made(value: object, document: DocumentPatch) -> bool:
    """Tells whether every place holds what the patch would put there."""
    return all(
        same_value(_at(value, change), change.new)
        for change in document.changes
        if not same_value(change.old, change.new)
    )


def _at(value: object, change: FieldChange) -> object:
    return get(value, parse_pointer(change.pointer))


def _conflict(
    target: DocumentTarget, value: object, document: DocumentPatch, error: PatchConflictError
) -> DocumentConflict:
    fields = [
        FieldConflict(change.pointer, change.old, _at(value, change), change.new)
        for change in document.changes
        if not same_value(_at(value, change), change.old)
    ]
    if not fields:
        fields = [FieldConflict(error.pointer, error.expected, error.found, ABSENT)]
    return DocumentConflict(target.name, tuple(fields))
