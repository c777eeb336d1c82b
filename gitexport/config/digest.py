"""The digest by which SQL of a configuration is accepted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gitexport.model.entity import Entity, QueryDocument


def sql_digest(entities: Sequence[Entity], documents: Sequence[QueryDocument]) -> str:
    """Gives the SHA-256 of all SQL, whatever its order in the file; empty where there is none."""
    pieces = sql_pieces(entities, documents)
    if not pieces:
        return ""
    return hashlib.sha256("".join(sorted(pieces)).encode()).hexdigest()


def sql_pieces(entities: Sequence[Entity], documents: Sequence[QueryDocument]) -> frozenset[str]:
    """Gives the SHA-256 of each condition and query.

    Each counts with the relation or path that it belongs to, so that SQL accepted in one
    place is not accepted in another.
    """
    pieces = [("where", str(e.relation), e.name, e.where) for e in entities if e.where]
    pieces += [("query", document.path, "", document.query) for document in documents]
    return frozenset(map(_hash, pieces))


def _hash(piece: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in piece:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()
