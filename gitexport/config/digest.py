"""The digest by which SQL of a configuration is accepted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gitexport.model.entity import Entity, QueryDocument


def sql_digest(entities: Sequence[Entity], documents: Sequence[QueryDocument]) -> str:
    """Gives the SHA-256 of all SQL, whatever its order in the file; empty where there is none.

    Each piece counts with the relation or path that it belongs to, so that accepted SQL
    does not become accepted elsewhere.
    """
    pieces = [("where", str(e.relation), e.name, e.where) for e in entities if e.where]
    pieces += [("query", document.path, "", document.query) for document in documents]
    if not pieces:
        return ""
    digest = hashlib.sha256()
    for piece in sorted(pieces):
        for part in piece:
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()
