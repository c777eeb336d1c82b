"""Addresses: parsing, matching, writing back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.errors import UsageError
from gitexport.model.address import format_address, parse_address

KEYS = st.lists(st.text(max_size=8), min_size=1, max_size=3).map(tuple)


def test_entity_alone_means_every_key() -> None:
    address = parse_address("users")

    assert (address.entity, address.key, address.pointer) == ("users", None, None)
    assert address.matches(("1",))
    assert address.matches(("1", "2"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("users:42", ("42",)),
        ("users:-1", ("-1",)),
        ("users:", ("",)),
        ("order_details:10248,11", ("10248", "11")),
        ("events:2025-01-01 00:00:00+00", ("2025-01-01 00:00:00+00",)),
        (r"t:a\,b,c\#d\*\\", ("a,b", "c#d*\\")),
    ],
)
def test_key_is_plain_text(text: str, key: tuple[str, ...]) -> None:
    assert parse_address(text).key == key
    assert str(parse_address(text)) == text


def test_star_is_a_glob_and_escaped_star_is_not() -> None:
    address = parse_address("users:4*2")

    assert address.key is None
    assert address.matches(("42",))
    assert address.matches(("4\n2",))
    assert not address.matches(("43",))
    assert not parse_address(r"users:4\*2").matches(("402",))
    assert parse_address(r"users:4\*2").matches(("4*2",))


def test_composite_key_needs_all_parts() -> None:
    assert parse_address("d:1,*").matches(("1", "11"))
    assert not parse_address("d:1").matches(("1", "11"))


def test_pointer_covers_fields_above_and_below() -> None:
    address = parse_address("users:42#/address/city")

    assert address.pointer == "/address/city"
    assert address.covers("/address")
    assert address.covers("/address/city/0")
    assert not address.covers("/address/cit")
    assert not address.covers("/address/cityx")
    assert parse_address("users:42").covers("/anything")
    assert parse_address("users#/a").pointer == "/a"


@pytest.mark.parametrize(
    "text", ["", ":1", "#/a", "users:1#a", "users:1#/~2", "users:a\\", r"users:a\b"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text)

    assert caught.value.hint


@given(KEYS)
def test_written_address_reads_back(key: tuple[str, ...]) -> None:
    address = parse_address(format_address("users", key))

    assert address.key == key
    assert address.matches(key)
