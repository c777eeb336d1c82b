"""Names of keys: total, injective everywhere, reversible, safe on every system."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.canonical.keys import decode_key, encode_key, encode_whole
from gitexport.canonical.shards import TRUNCATED, PathFunction
from gitexport.model.entity import Shard
from tests.property.strategies import KEY_TEXTS

INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-70, 70), st.sampled_from([4095, 4096, 131072])
).map(str)
Typed = tuple[tuple[str, ...], tuple[bool, ...]]
DEVICE = re.compile(r"(?i:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?")
FORBIDDEN = set('<>:"/\\|?*') | {chr(code) for code in range(32)} | {"\x7f"}
SHAPE = re.compile(r"[a-z0-9+=,_-]+(?:~[0-9a-f]{64})?")
SHARDS = st.sampled_from(["flat", "hash/1", "hash/1/1", "hash/2/1", "hash/4/4/4"])
NUMERIC = st.sampled_from(["flat", "mod/1/1/1", "block/1/1/1", "mod/2/3", "block/4/4", "hash/1/1"])


@st.composite
def keys(draw: st.DrawFn, size: int = 3) -> Typed:
    """Draws a key and which of its columns are integers."""
    integers = tuple(draw(st.lists(st.booleans(), min_size=1, max_size=size)))
    return tuple(draw(INTEGERS if is_integer else KEY_TEXTS) for is_integer in integers), integers


def _folded(name: str) -> str:
    """Folds a name the way file systems may, and further."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFD", name).casefold())


@given(keys())
def test_a_name_gives_its_key_back_or_says_that_it_is_shortened(typed: Typed) -> None:
    key, integers = typed
    name = encode_key(key, integers)
    whole = encode_whole(key, integers)

    assert decode_key(name, integers) == (None if len(whole) > 200 else key)
    assert (name == whole) == (len(whole) <= 200)


@given(keys())
def test_a_name_is_safe_on_every_system(typed: Typed) -> None:
    name = encode_key(*typed)

    assert SHAPE.fullmatch(name)
    assert len(name) <= 200
    assert not FORBIDDEN & set(name)
    assert not DEVICE.fullmatch(name + ".json")
    assert not any(DEVICE.fullmatch(part) for part in name.split(","))
    assert name not in {"git", "head"}
    assert name[0] != "-" or typed[1][0]
    assert _folded(name) == name


@given(st.lists(st.tuples(KEY_TEXTS, KEY_TEXTS), min_size=2, max_size=12, unique=True))
def test_no_two_keys_share_a_name_under_folding(some: list[tuple[str, str]]) -> None:
    names = {_folded(encode_key(key, (False, False))) for key in some}

    assert len(names) == len(some)


@given(KEY_TEXTS, st.sampled_from(["swapcase", "upper", "lower", "casefold"]))
def test_spellings_that_fold_to_one_text_keep_names_apart(text: str, fold: str) -> None:
    other = getattr(text, fold)()
    for twin in (other, unicodedata.normalize("NFD", text), unicodedata.normalize("NFKC", text)):
        if twin != text:
            assert _folded(encode_key((twin,), (False,))) != _folded(encode_key((text,), (False,)))


@given(keys())
def test_a_long_name_keeps_whole_units_and_the_digest_of_the_whole(typed: Typed) -> None:
    key, integers = typed
    long = (*key, "é" * 80)
    whole = encode_whole(long, (*integers, False))
    kept, _, digest = encode_key(long, (*integers, False)).partition("~")

    assert digest == hashlib.sha256(whole.encode()).hexdigest()
    assert whole.startswith(kept)
    assert 118 <= len(kept) <= 120
    assert re.fullmatch(r"(?:\+[a-z]|=[0-9a-f]{2}|=(?=,|\Z)|[a-z0-9,_-])*", kept)


@given(
    st.text(st.sampled_from("aAc0on=+-,~.6é1f_"), max_size=10),
    st.lists(st.booleans(), min_size=1, max_size=3),
)
def test_a_name_that_decodes_is_the_one_that_encodes(name: str, integers: list[bool]) -> None:
    try:
        key = decode_key(name, integers)
    except ValueError:
        return

    assert key is not None
    assert encode_key(key, integers) == name


@given(keys(), SHARDS)
def test_a_path_is_recognised_and_gives_its_key_back(typed: Typed, shard: str) -> None:
    key, integers = typed
    paths = PathFunction("data/users", Shard.parse(shard), integers)
    directory, name = paths.path(key)
    parsed = paths.parse(directory + b"/" + name)

    assert parsed == (TRUNCATED if b"~" in name else key)
    assert directory.count(b"/") == 1 + paths.leaf_depth
    assert paths.parse(directory + b"0/" + name) is None
    assert paths.parse(directory + b"/" + name + b"x") is None


@given(INTEGERS, NUMERIC)
def test_an_integer_stands_in_the_directory_of_its_digits(text: str, shard: str) -> None:
    paths = PathFunction("d", Shard.parse(shard), (True,))
    directory, name = paths.path((text,))
    kind, *widths = shard.split("/")
    digits = b"".join(directory.split(b"/")[1:]).decode()

    assert name == text.encode() + b".json"
    assert paths.parse(directory + b"/" + name) == (text,)
    assert [len(part) for part in directory.split(b"/")[1:]] == [int(width) for width in widths]
    if kind in {"mod", "block"}:
        number = int(text) // (32 if kind == "block" else 1)
        assert int(digits, 16) == number % 16 ** len(digits)
    if kind == "hash":
        assert hashlib.sha256(text.encode()).hexdigest().startswith(digits)


@given(st.binary(max_size=30), SHARDS)
def test_any_other_path_is_nobodys(path: bytes, shard: str) -> None:
    paths = PathFunction("d", Shard.parse(shard), (False,))
    parsed = paths.parse(path)
    if isinstance(parsed, tuple):
        assert b"/".join(paths.path(parsed)) == path


def test_lone_surrogates_have_names_too() -> None:
    """Total means total, also for text that no database can hold."""
    name = encode_key(("\ud800",), (False,))

    assert decode_key(name, (False,)) == ("\ud800",)


@pytest.mark.parametrize("text", ["01", "+1", "-0", "", " 1", "1_0", "٣", "1e3", "--1", "-"])
def test_an_integer_column_takes_decimal_text_only(text: str) -> None:
    for shard in ("flat", "mod/1", "block/1", "hash/1"):
        paths = PathFunction("d", Shard.parse(shard), (True,))
        with pytest.raises(ValueError, match="decimal"):
            paths.path((text,))
