"""gitexport's own JSON values."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pytest

from gitexport.canonical.value import ExactNumber, JsonValue, canonical_value, dumps_line, loads
from gitexport.errors import UnsupportedValueError


def test_a_value_is_written_as_a_canonical_file() -> None:
    value: JsonValue = {
        "b": [1, None, True, "é"],
        "a": {"z": (), "y": {}},
        "n": ExactNumber("1.10"),
    }

    assert (
        canonical_value(value)
        == (
            '{\n  "a": {\n    "y": {},\n    "z": []\n  },\n'
            '  "b": [\n    1,\n    null,\n    true,\n    "é"\n  ],\n  "n": 1.10\n}\n'
        ).encode()
    )
    assert dumps_line(value) == '{"a":{"y":{},"z":[]},"b":[1,null,true,"é"],"n":1.10}\n'.encode()


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 10**400])
def test_large_integers_are_exact(number: int) -> None:
    assert canonical_value([number]) == f"[\n  {number}\n]\n".encode()
    assert loads(dumps_line([number])) == [number]


def test_numbers_are_read_as_integers_only_where_nothing_is_lost() -> None:
    long = "1" * 4301
    value = loads(f"[1, -7, -0, 1.0, 1e2, {long}]".encode())

    assert value == [1, -7, *(ExactNumber(text) for text in ("-0", "1.0", "1e2", long))]
    assert canonical_value(value).split() == [
        b"[", b"1,", b"-7,", b"-0,", b"1.0,", b"1e2,", long.encode(), b"]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "01", "NaN", "1.", ".5", "+1", "1\n", "\u0661", "0x1", '1,"a":2']
)
def test_an_exact_number_holds_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="not a JSON number"):
        ExactNumber(text)


def test_exact_numbers_are_equal_by_text() -> None:
    assert ExactNumber("1.0") == ExactNumber("1.0")
    assert ExactNumber("1.0") != ExactNumber("1.00")
    assert len({ExactNumber("1"), ExactNumber("1")}) == 1
    assert str(ExactNumber("1e400")) == "1e400"


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        decimal.Decimal(1),
        b"x",
        {1: 2},
        {1, 2},
        dt.date(2026, 1, 1),
        object(),
    ],
)
def test_other_values_are_refused(value: Any) -> None:  # noqa: ANN401 - whatever is not JSON
    for write in (canonical_value, dumps_line):
        with pytest.raises(TypeError):
            write([value])


def test_half_a_surrogate_pair_is_refused() -> None:
    for value in ("\ud800", {"\ud800": 1}, ["a\udfff"]):
        with pytest.raises(ValueError, match="surrogates"):
            canonical_value(value)


@pytest.mark.parametrize(
    "data", [b'{"a":1,"a":1}', b"[NaN]", b"\xff", b"", b"[" * 200, b'"\\ud8"', b"\xef\xbb\xbf1"]
)
def test_reading_refuses_what_it_cannot_hold(data: bytes) -> None:
    with pytest.raises(UnsupportedValueError):
        loads(data)
