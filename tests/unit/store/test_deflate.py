"""Deflated objects inflate to what they were, whichever library made them."""

import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.store.deflate import deflate, deflate_with_zlib, inflate, inflate_with_zlib


@given(st.binary(max_size=300))
def test_small_objects_come_back(data: bytes) -> None:
    assert zlib.decompress(deflate(data)) == data
    assert zlib.decompress(deflate_with_zlib(data)) == data


@pytest.mark.parametrize("size", [11_999, 12_000, 12_001, 1 << 20])
def test_large_objects_come_back(size: int) -> None:
    data = b'{\n  "a": 1\n}\n' * (size // 13)

    assert zlib.decompress(deflate(data)) == data
    assert zlib.decompress(deflate_with_zlib(data)) == data


_Inflate = Callable[[memoryview, int], bytes | None]
either = pytest.mark.parametrize("inflate", [inflate, inflate_with_zlib])


@either
@pytest.mark.parametrize("compress", [deflate, deflate_with_zlib, zlib.compress])
@given(data=st.binary(max_size=300), behind=st.binary(max_size=30))
def test_streams_of_any_maker_inflate_and_end_where_they_end(
    compress: Callable[[bytes], bytes], inflate: _Inflate, data: bytes, behind: bytes
) -> None:
    assert inflate(memoryview(compress(data) + behind), len(data)) == data


@either
def test_what_is_no_stream_of_that_length_is_nothing(inflate: _Inflate) -> None:
    stream = bytearray(deflate(b"some text, some text, some text"))

    assert inflate(memoryview(stream), 30) is None
    assert inflate(memoryview(stream), 32) is None
    assert inflate(memoryview(stream[:-1]), 31) is None
    stream[-1] ^= 1
    assert inflate(memoryview(stream), 31) is None
    assert inflate(memoryview(b""), 0) is None
