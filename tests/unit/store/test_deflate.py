"""Deflated objects inflate to what they were, whichever library made them."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.store.deflate import deflate, deflate_with_zlib


@given(st.binary(max_size=300))
def test_small_objects_come_back(data: bytes) -> None:
    assert zlib.decompress(deflate(data)) == data
    assert zlib.decompress(deflate_with_zlib(data)) == data


@pytest.mark.parametrize("size", [11_999, 12_000, 12_001, 1 << 20])
def test_large_objects_come_back(size: int) -> None:
    data = b'{\n  "a": 1\n}\n' * (size // 13)

    assert zlib.decompress(deflate(data)) == data
    assert zlib.decompress(deflate_with_zlib(data)) == data
