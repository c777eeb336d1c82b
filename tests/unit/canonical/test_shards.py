"""Directories of keys, and which paths an entity manages."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.canonical.shards import TRUNCATED, PathFunction, choose_shard
from gitexport.errors import ConfigError
from gitexport.model.entity import Shard

LONG = "x" * 300


def _path(shard: str, *key: str, integers: tuple[bool, ...]) -> str:
    directory, name = PathFunction("data/users", Shard.parse(shard), integers).path(key)
    return f"{directory.decode()}/{name.decode()}"


@pytest.mark.parametrize(
    ("shard", "key", "path"),
    [
        ("mod/1/1/1", "42", "data/users/0/2/a/42.json"),
        ("mod/1/1/1", "4096", "data/users/0/0/0/4096.json"),
        ("mod/1/1/1", "-1", "data/users/f/f/f/-1.json"),
        ("mod/2/1", "42", "data/users/02/a/42.json"),
        ("block/1/1/1", "0", "data/users/0/0/0/0.json"),
        ("block/1/1/1", "31", "data/users/0/0/0/31.json"),
        ("block/1/1/1", "32", "data/users/0/0/1/32.json"),
        ("block/1/1/1", "131071", "data/users/f/f/f/131071.json"),
        ("block/1/1/1", "131072", "data/users/0/0/0/131072.json"),
        ("block/1/1/1", "-1", "data/users/f/f/f/-1.json"),
        ("block/1/1/1", "-32", "data/users/f/f/f/-32.json"),
        ("block/1/1/1", "-33", "data/users/f/f/e/-33.json"),
        ("flat", "42", "data/users/42.json"),
        ("mod/4/4/4", "9223372036854775807", "data/users/ffff/ffff/ffff/9223372036854775807.json"),
    ],
)
def test_integer_keys_stand_in_the_directory_of_their_digits(
    shard: str, key: str, path: str
) -> None:
    assert _path(shard, key, integers=(True,)) == path


def test_a_hash_is_that_of_the_encoded_key_at_full_length() -> None:
    digest = hashlib.sha256(b"+alice,7").hexdigest()
    long = hashlib.sha256(LONG.encode()).hexdigest()

    assert _path("hash/1/2", "Alice", "7", integers=(False, True)) == (
        f"data/users/{digest[0]}/{digest[1:3]}/+alice,7.json"
    )
    assert _path("hash/1/1", LONG, integers=(False,)) == (
        f"data/users/{long[0]}/{long[1]}/{'x' * 120}~{long}.json"
    )


@pytest.mark.parametrize("shard", ["block/1", "mod/1/1"])
@pytest.mark.parametrize("integers", [(False,), (True, True), (), (True, False)])
def test_block_and_mod_need_one_integer_column(shard: str, integers: tuple[bool, ...]) -> None:
    with pytest.raises(ConfigError, match="one integer column") as caught:
        PathFunction("data/users", Shard.parse(shard), integers)

    assert caught.value.where == "data/users"
    assert caught.value.hint


def test_a_digest_has_only_so_many_digits() -> None:
    PathFunction("d", Shard.parse("hash" + "/4" * 16), (False,))
    with pytest.raises(ConfigError, match="64 digits"):
        PathFunction("d", Shard.parse("hash" + "/4" * 16 + "/1"), (False,))


@pytest.mark.parametrize(
    "path",
    [
        b"data/users/0/2/b/42.json",
        b"data/users/0/2/A/42.json",
        b"data/users/0/2/42.json",
        b"data/users/0/0/2/a/42.json",
        b"data/users/02a/42.json",
        b"data/user/0/2/a/42.json",
        b"data/users2/0/2/a/42.json",
        b"/data/users/0/2/a/42.json",
        b"data/users//0/2/a/42.json",
        b"data/users/0/2/a/042.json",
        b"data/users/0/2/a/42.JSON",
        b"data/users/0/2/a/42.json.json",
        b"data/users/0/2/a/42",
        b"data/users/0/2/a/.json",
        b"data/users/0/2/a/README.md",
        b"data/users/0/2/a/\xff.json",
        b"data/users/0/2/a/" + b"1" * 5000 + b".json",
        b"data/users/0/2/a/" + b"1" * 120 + b"~" + b"0" * 64 + b".json",
        b"42.json",
        b"",
    ],
)
def test_paths_that_no_key_has_are_peoples(path: bytes) -> None:
    assert PathFunction("data/users", Shard.parse("mod/1/1/1"), (True,)).parse(path) is None


def test_a_shortened_name_has_to_stand_where_its_digest_says() -> None:
    for shard in ("hash/1/1", "flat"):
        paths = PathFunction("d", Shard.parse(shard), (False,))
        directory, name = paths.path((LONG,))

        assert paths.parse(directory + b"/" + name) is TRUNCATED
        assert paths.parse(b"d/f/" + name) is None
        assert paths.parse(directory + b"/x" + name) is None


_NAMES = st.sampled_from(
    [b"7.json", b"39.json", b"07.json", b"0.json", b"-1.json", b"+7.json", b"7_0.json", b" 7.json",
     b"7.jsom", b"7.json7.json", b"7json", b"7", b".json", b"notes.json", b"7.json.json",
     "७.json".encode(), b"18446744073709551616.json"]
)  # fmt: skip


@given(
    st.sampled_from(["block/1/1", "mod/1/1", "hash/1/1", "flat"]),
    st.sets(st.integers(-10, 3000), max_size=8),
    st.lists(_NAMES, max_size=3),
    st.integers(0, 255),
    st.booleans(),
)
def test_keys_in_a_directory_are_those_of_its_paths(
    shard: str,
    numbers: set[int],
    more: list[bytes],
    place: int,
    seen: bool,  # noqa: FBT001
) -> None:
    paths = PathFunction("data/users", Shard.parse(shard), (True,))
    found = [paths.path((str(number),)) for number in sorted(numbers)] if seen else []
    directories = {directory for directory, _name in found}
    here = b"data/users/%x/%x" % divmod(place, 16)
    for directory in {*directories, here, b"data/users"}:
        names = [b"%d.json" % number for number in numbers] + more
        expected = [paths.parse(directory + b"/" + name) for name in names]
        assert paths.keys_in(directory, names) == expected
        mine = [name for where, name in found if where == directory]
        assert None not in paths.keys_in(directory, mine)


def test_nothing_unbounded_is_remembered() -> None:
    paths = PathFunction("d", Shard.parse("mod/4/4"), (True,))
    for number in range(100):
        paths.path((str(number * 7919),))

    assert not paths._directories
    few = PathFunction("d", Shard.parse("mod/1"), (True,))
    for number in range(100):
        few.path((str(number),))
    assert len(few._directories) == 16


@pytest.mark.parametrize("shard", ["flat", "mod/1/1/1", "hash/2/1"])
def test_the_depth_is_that_of_the_levels(shard: str) -> None:
    expected = shard.count("/")

    assert PathFunction("d", Shard.parse(shard), (True,)).leaf_depth == expected


@pytest.mark.parametrize(
    ("rows", "levels"),
    [
        *((1, 0), (100, 0), (101, 1), (960, 1), (961, 2), (10_000, 2), (15_360, 2), (15_361, 3)),
        *((100_000, 3), (245_760, 3), (245_761, 4), (1_000_000, 4), (50_000_000, 5)),
        *((0, 2), (-1, 2)),
    ],
)
def test_the_depth_follows_the_number_of_rows(rows: int, levels: int) -> None:
    kinds = ("block", "hash") if levels else ("flat", "flat")
    for is_integer, kind in zip((True, False), kinds, strict=True):
        shard = choose_shard(is_integer_key=is_integer, rows=rows)
        assert str(shard) == kind + "/1" * levels


@pytest.mark.parametrize("rows", [1, 100, 101, 500, 961, 5_000, 20_000, 300_000])
def test_no_directory_is_too_full_after_growing_tenfold(rows: int) -> None:
    shard = choose_shard(is_integer_key=True, rows=rows)
    paths = PathFunction("d", shard, (True,))
    grown = rows * 10
    sample = range(1, grown + 1, max(1, grown // 50_000))
    leaves: dict[bytes, int] = {}
    for number in sample:
        directory = paths.path((str(number),))[0]
        leaves[directory] = leaves.get(directory, 0) + sample.step

    assert max(leaves.values()) <= 1_000
