"""Where a key's document stands, and which paths are an entity's.

A path is `directory/<shard>/<encoded key>.json`. The shard is one directory for each level,
named with hex digits:

- `block`: digits of the key divided by 32, so that 32 neighbours share a directory
- `mod`: digits of the key itself
- `hash`: digits of the SHA-256 of the encoded key at full length

For `block` and `mod` the digits are those of the number modulo 16 to their count, most
significant first; negative keys count down from there, as floor division has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import Enum
from typing import Final

from gitexport.canonical.keys import (
    decode_key,
    encode_key,
    encode_whole,
    shorten,
    shortened_digest,
)
from gitexport.errors import ConfigError
from gitexport.model.entity import Shard, ShardKind
from gitexport.model.ports import Key

SUFFIX = b".json"
_NAME_END = SUFFIX.decode() + "\0"
_BLOCK_BITS = 5
_REMEMBERED_DIGITS = 4
_DIGEST_DIGITS = 64
_LEAF = 60
_FULL = 1_000
_GROWTH = 10
_UNKNOWN_LEVELS = 2
_NOT_DECIMAL = "the text of an integer key is not decimal"


class Shortened(Enum):
    """What `PathFunction.parse` gives for names that hold only a part of their key."""

    TRUNCATED = "truncated"


TRUNCATED: Final = Shortened.TRUNCATED


class PathFunction:
    """The paths of one entity's documents: injective, and pure.

    `integers` tells for each key column whether it is of an integer type. `leaf_depth` is
    the number of directories between the entity's own and a document.
    """

    def __init__(self, directory: str, shard: Shard, integers: tuple[bool, ...]) -> None:
        """Prepares the function.

        Raises:
            ConfigError: The shard does not fit the key's types, or no digest is so long.
        """
        digits = sum(shard.levels)
        if shard.kind in {ShardKind.BLOCK, ShardKind.MOD} and integers != (True,):
            message = f"shard '{shard}' needs a key of one integer column"
            raise ConfigError(message, where=directory, hint="use hash/1/1 or flat")
        if digits > _DIGEST_DIGITS:
            message = f"shard '{shard}' has more than {_DIGEST_DIGITS} digits"
            raise ConfigError(message, where=directory)
        self.leaf_depth = len(shard.levels)
        self._root = directory.encode()
        self._integers = integers
        self._is_integer = integers == (True,)
        # Looked up once: reading a member of an enumeration costs as much as the arithmetic.
        self._is_hash = shard.kind is ShardKind.HASH
        self._is_flat = shard.kind is ShardKind.FLAT
        self._levels = shard.levels
        self._digits = digits
        self._mask = (1 << 4 * digits) - 1
        self._bits = _BLOCK_BITS if shard.kind is ShardKind.BLOCK else 0
        # At most 16 ** _REMEMBERED_DIGITS entries: there are no more buckets.
        self._directories: dict[int, bytes] = {}

    def path(self, key: Key) -> tuple[bytes, bytes]:
        """Gives the directory and the file name of a key's document.

        Raises:
            ValueError: The key has not as many parts as key columns, or the text of an
                integer column is not decimal.
        """
        if self._is_hash:
            whole = encode_whole(key, self._integers)
            digest = hashlib.sha256(whole.encode()).hexdigest()
            bucket = int(digest[: self._digits], 16)
            return self._directory(bucket), shorten(whole).encode() + SUFFIX
        if self._is_flat:
            return self._root, encode_key(key, self._integers).encode() + SUFFIX
        (text,) = key
        try:
            number = int(text)
        except ValueError as error:
            raise ValueError(_NOT_DECIMAL) from error
        if str(number) != text:
            raise ValueError(_NOT_DECIMAL)
        bucket = (number >> self._bits) & self._mask
        try:
            return self._directories[bucket], text.encode() + SUFFIX
        except KeyError:
            return self._directory(bucket), text.encode() + SUFFIX

    def parse(self, path: bytes) -> Key | Shortened | None:
        """Reads the key from a path.

        Gives None for paths that this function never yields, and `TRUNCATED` for those of
        keys that are too long to stand in a name.
        """
        directory, _, name = path.rpartition(b"/")
        if not name.endswith(SUFFIX):
            return None
        try:
            stem = name[: -len(SUFFIX)].decode("ascii")
            if self._is_integer and stem.isdigit():
                if not (self._is_hash or self._is_flat) and (stem[0] != "0" or stem == "0"):
                    # By far the most frequent, on the path of every document that is looked at.
                    bucket = (int(stem) >> self._bits) & self._mask
                    if self._directories.get(bucket) == directory:
                        return (stem,)
                # Where the path is that of the number, the name is its decimal text.
                return (stem,) if self.path((stem,)) == (directory, name) else None
            key = decode_key(stem, self._integers)
            if key is None:
                return TRUNCATED if directory == self._place_of_shortened(stem) else None
            return key if self.path(key) == (directory, name) else None
        except ValueError:
            return None

    def keys_in(self, directory: bytes, names: Sequence[bytes]) -> list[Key | Shortened | None]:
        """Reads the keys from the paths of files in a directory, each as `parse` does."""
        if not self._is_integer or self._is_hash or self._is_flat:
            return [self.parse(directory + b"/" + name) for name in names]
        texts = _plain_numbers(names)
        if texts and self._directories.get(self._bucket_of(list(map(int, texts)))) == directory:
            # All files of the directory at once.
            return [*zip(texts, strict=True)]
        return [self.parse(directory + b"/" + name) for name in names]

    def _bucket_of(self, numbers: Sequence[int]) -> int:
        """Gives the bucket of integer keys; -1 where they have several."""
        buckets = {min(numbers) >> self._bits, max(numbers) >> self._bits}
        if len(buckets) > 1:
            buckets = {number >> self._bits & self._mask for number in numbers}
        return buckets.pop() & self._mask if len(buckets) == 1 else -1

    def directory_of(self, name: bytes) -> bytes | None:
        """Gives the directory in which a file of this name stands; None if no key has it.

        The name depends on the key alone, so this is how documents find their place in
        another layout.
        """
        if not name.endswith(SUFFIX):
            return None
        try:
            stem = name[: -len(SUFFIX)].decode("ascii")
            key = decode_key(stem, self._integers)
            return self._place_of_shortened(stem) if key is None else self.path(key)[0]
        except ValueError:
            return None

    def _place_of_shortened(self, stem: str) -> bytes | None:
        digest = shortened_digest(stem, self._integers)
        if self._is_hash:
            return self._directory(int(digest[: self._digits], 16))
        return self._root if self._is_flat else None

    def _directory(self, bucket: int) -> bytes:
        known = self._directories.get(bucket)
        if known is not None:
            return known
        digits = f"{bucket:0{self._digits}x}".encode()
        parts = [self._root]
        at = 0
        for width in self._levels:
            parts.append(digits[at : at + width])
            at += width
        directory = b"/".join(parts)
        if self._digits <= _REMEMBERED_DIGITS:
            self._directories[bucket] = directory
        return directory


def _plain_numbers(names: Sequence[bytes]) -> list[str]:
    """Gives what stands before the suffixes, where that is a number of digits in every name.

    Gives nothing where a name is another one, or begins with a zero.
    """
    # No name holds a null character, so every piece ends where its name does.
    joined = b"\0".join(names) + b"\0"
    if joined.startswith(b"0") or b"\x000" in joined:
        return []
    *texts, rest = joined.decode("ascii", "replace").split(_NAME_END)
    return texts if not rest and "" not in texts and "".join(texts).isdigit() else []


def choose_shard(*, is_integer_key: bool, rows: int) -> Shard:
    """Chooses the layout of an entity from its key and its number of rows.

    A leaf holds about 10 to 60 files, and no directory passes 1,000 entries before the
    relation has grown tenfold. Zero rows and fewer mean that the number is not known: such
    an entity gets room for 15,000 rows, as moving documents later costs a commit of renames.
    """
    if 0 < rows <= _FULL // _GROWTH:
        return Shard(ShardKind.FLAT)
    levels = 1 if rows > 0 else _UNKNOWN_LEVELS
    while rows > _LEAF * 16**levels:
        levels += 1
    kind = ShardKind.BLOCK if is_integer_key else ShardKind.HASH
    return Shard(kind, (1,) * levels)
