"""The object id that git gives to a file's bytes, computed without a repository.

Source: "Object Storage" in Pro Git, chapter 10.2; git-hash-object(1).
"""

from __future__ import annotations

import hashlib


def blob_id(data: bytes) -> bytes:
    """Computes the 20 bytes of a blob's id."""
    digest = hashlib.sha1(b"blob %d\x00" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.digest()
