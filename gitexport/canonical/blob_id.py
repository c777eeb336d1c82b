"""The object id that git gives to a file's bytes, computed without a repository.

Source: "Object Storage" in Pro Git, chapter 10.2; git-hash-object(1).
"""

from __future__ import annotations

import hashlib

from gitexport.model.snapshot import ObjectId


def blob_id(data: bytes) -> bytes:
    """Computes the 20 bytes of a blob's id."""
    digest = hashlib.sha1(b"blob %d\x00" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.digest()


def blob_id_hex(data: bytes) -> ObjectId:
    """Computes a blob's id as 40 hex digits."""
    return ObjectId(blob_id(data).hex())
