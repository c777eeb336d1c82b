"""File names of keys: the table of examples, and what is refused."""

from __future__ import annotations

import hashlib

import pytest

from gitexport.canonical.keys import decode_key, encode_key, encode_part

TEXT, NUMBER = False, True
DIGEST = "~" + "0" * 64


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("alice", "alice"),
        ("Alice", "+alice"),
        ("a-b_c-9", "a-b_c-9"),
        ("", "="),
        ("=", "=3d"),
        ("../x", "=2e=2e=2fx"),
        ("é", "=c3=a9"),
        ("e\u0301", "e=cc=81"),
        ("a b", "a=20b"),
        ("a,b", "a=2cb"),
        ("a~1", "a=7e1"),
        ("-rf", "=2drf"),
        ("--", "=2d-"),
        ("a-", "a-"),
        ("con", "=63on"),
        ("CON", "+c+o+n"),
        ("Con", "+con"),
        ("con1", "con1"),
        ("com0", "=63om0"),
        ("com9", "=63om9"),
        ("com10", "com10"),
        ("com¹", "com=c2=b9"),
        ("con.txt", "con=2etxt"),
        ("lpt1", "=6cpt1"),
        ("nul", "=6eul"),
        ("aux", "=61ux"),
        ("prn", "=70rn"),
        ("git", "=67it"),
        (".git", "=2egit"),
        ("git~1", "git=7e1"),
        ("head", "=68ead"),
        ("HEAD", "+h+e+a+d"),
        ("42", "42"),
        ("-1", "=2d1"),
        ("01", "01"),
        ("\x00", "=00"),
        ("\\", "=5c"),
        ("+1", "=2b1"),
        ("\u202e", "=e2=80=ae"),
    ],
)
def test_a_text_part_is_readable_and_safe(text: str, name: str) -> None:
    assert encode_part(text, is_integer=False) == name
    assert decode_key(name, [TEXT]) == (text,)


@pytest.mark.parametrize("text", ["0", "42", "-1", "-9223372036854775808", "9223372036854775807"])
def test_an_integer_part_is_its_decimal_text(text: str) -> None:
    assert encode_part(text, is_integer=True) == text
    assert decode_key(text, [NUMBER]) == (text,)


@pytest.mark.parametrize(
    ("parts", "integers", "name"),
    [
        (("10248", "11"), (NUMBER, NUMBER), "10248,11"),
        (("-1", "-1"), (NUMBER, TEXT), "-1,=2d1"),
        (("con", "1"), (TEXT, NUMBER), "=63on,1"),
        (("", ""), (TEXT, TEXT), "=,="),
        (("a,b", "c"), (TEXT, TEXT), "a=2cb,c"),
        (("a", "b,c"), (TEXT, TEXT), "a,b=2cc"),
    ],
)
def test_parts_are_joined_with_commas(
    parts: tuple[str, ...], integers: tuple[bool, ...], name: str
) -> None:
    assert encode_key(parts, integers) == name
    assert decode_key(name, integers) == parts


@pytest.mark.parametrize(
    ("start", "kept"),
    [
        ("a" * 118, "a" * 118),
        ("a" * 119, "a" * 119),
        ("a" * 117, "a" * 117 + "=c3"),
        ("a" * 118 + "B", "a" * 118 + "+b"),
        ("a" * 119 + "B", "a" * 119),
        ("a" * 120 + "B", "a" * 120),
    ],
)
def test_a_long_name_is_cut_between_units(start: str, kept: str) -> None:
    text = start + "é" * 50
    name = encode_key((text,), (TEXT,))
    whole = encode_part(text, is_integer=False)

    assert name == f"{kept}~{hashlib.sha256(whole.encode()).hexdigest()}"
    assert decode_key(name, (TEXT,)) is None


def test_an_empty_part_at_the_cut_is_a_unit_of_its_own() -> None:
    parts = ("a" * 118, "", "b" * 100)
    name = encode_key(parts, (TEXT, TEXT, TEXT))

    assert name.startswith("a" * 118 + ",=~")
    assert decode_key(name, (TEXT, TEXT, TEXT)) is None


@pytest.mark.parametrize("length", [199, 200, 201])
def test_names_up_to_200_characters_stay_whole(length: int) -> None:
    name = encode_key(("x" * length,), (TEXT,))

    assert ("~" in name) == (length > 200)
    assert len(name) <= 200
    assert decode_key(name, (TEXT,)) == (("x" * length,) if length <= 200 else None)


@pytest.mark.parametrize(
    "name",
    [
        *("", "A", "a.b", "a b", "=6", "=6G", "=6A", "=61", "+", "+1", "+A", "con", "git", "-a"),
        *("=2D", "=ff", "=c3", "=ed=a0", "a,", ",a", "a,b", "é", "a~", "a~1", "=00=", "==", "a\n"),
        *("a/b", "x" * 201, "a" + DIGEST, "x" * 120 + DIGEST[:-1], "x" * 120 + "~" + "G" * 64),
        *("x" * 117 + DIGEST, "x" * 121 + DIGEST, "-" + "x" * 119 + DIGEST),
        *("x" * 118 + ",a" + DIGEST, "x" * 119 + "+" + DIGEST),
    ],
)
def test_names_that_no_key_has_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no key has this name"):
        decode_key(name, [TEXT])


@pytest.mark.parametrize(
    "name", ["01", "-0", "+1", "a", "=31", "1,2", "", "=", "-", "1_0", "\u0661"]
)
def test_names_that_no_integer_has_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"no key has this name|not decimal"):
        decode_key(name, [NUMBER])


def test_the_number_of_parts_has_to_fit() -> None:
    with pytest.raises(ValueError, match=r"zip\(\)"):
        encode_key(("a", "b"), (TEXT,))
    with pytest.raises(ValueError, match=r"zip\(\)"):
        encode_key(("a",), (TEXT, TEXT))
