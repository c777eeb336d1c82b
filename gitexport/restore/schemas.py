"""Documents have to satisfy today's JSON Schemas, as those that an export writes do."""

from __future__ import annotations

from gitexport.errors import ConflictError, UnsupportedValueError
from gitexport.export.validate import Validate, compile_schema
from gitexport.restore.plan import Plan
from gitexport.restore.tip import Tip


def refuse_invalid(tip: Tip, plan: Plan) -> None:
    """Stops where a wanted document does not satisfy its entity's schema in the tip.

    Raises:
        ConflictError: The document is named.
        ConfigError: A file is no JSON Schema.
    """
    known: dict[str, Validate | None] = {}
    for target in plan.targets:
        if target.wanted is None:
            continue
        if target.entity not in known:
            known[target.entity] = _schema(tip, target.entity)
        validate = known[target.entity]
        if validate is None:
            continue
        try:
            validate(tip.read(target.wanted) if target.content is None else target.content)
        except UnsupportedValueError as error:
            message = f"{target.name} {error.message}"
            hint = "change the schema, or leave the document out with --only"
            where = target.path.decode("utf-8", "replace")
            raise ConflictError(message, where=where, hint=hint) from error


def _schema(tip: Tip, name: str) -> Validate | None:
    entity = tip.configured(name)
    if entity is None or entity.schema is None:
        return None
    blob = tip.tree.blob(entity.schema.encode())
    return None if blob is None else compile_schema(tip.read(blob), entity.schema)
