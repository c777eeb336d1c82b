"""One nested value: what is kept, what is refused, and with which words."""

from __future__ import annotations

import pytest

from gitexport.canonical.nested import canonical_batch, canonical_nested
from gitexport.canonical.reading import MAX_DEPTH, depth
from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import NestedKind

CLEAN, EXACT = NestedKind.CLEAN, NestedKind.EXACT


@pytest.mark.parametrize("kind", [CLEAN, EXACT])
@pytest.mark.parametrize(
    "number",
    [
        *(
            b"1.10",
            b"1e2",
            b"1E2",
            b"1E+02",
            b"1E400",
            b"-1.50e-7",
            b"0",
            b"-1",
            b"-0.0",
            b"0." + b"1" * 5000,
        ),
        *(b"123456789012345678", b"1234567890123456789", b"-9223372036854775809"),
        *(b"18446744073709551616", b"9" * 400, b"9" * 4300, b"9" * 4301),
    ],
)
def test_the_text_of_a_number_is_kept(kind: NestedKind, number: bytes) -> None:
    assert canonical_nested(number, kind) == number
    assert canonical_nested(b"[" + number + b"]", kind) == b"[\n    " + number + b"\n  ]"
    assert canonical_batch([[number, number]], [kind]) in ([[number, number]], None)


def test_minus_zero_is_kept_where_it_can_occur() -> None:
    assert canonical_nested(b"[-0,0]", EXACT, level=0) == b"[\n  -0,\n  0\n]"


@pytest.mark.parametrize("kind", [CLEAN, EXACT])
@pytest.mark.parametrize("text", [b"null", b"true", b"false", b"[]", b"{}", b'""', b"0"])
def test_a_value_without_parts_stands_on_its_line(kind: NestedKind, text: bytes) -> None:
    assert canonical_nested(text, kind) == text
    assert canonical_nested(b" " + text + b"\n", kind) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (rb'"\u0000\u001F\u007f\u00e9\/\u2028"', '"\\u0000\\u001f\x7fé/\u2028"'),
        (rb'"\ud83d\ude00"', '"\U0001f600"'),
        (rb'"\b\t\n\f\r\"\\"', r'"\b\t\n\f\r\"\\"'),
        (rb'"\u0008\u0009\u000a\u000c\u000d\u0022\u005c"', r'"\b\t\n\f\r\"\\"'),
    ],
)
def test_escapes_are_the_ones_of_canonical_form(text: bytes, written: str) -> None:
    for kind in (CLEAN, EXACT):
        assert canonical_nested(text, kind) == written.encode()


def test_members_are_sorted_by_code_point_not_by_utf16() -> None:
    text = '{"\U00010000":1,"\ue000":2,"a":3,"B":4,"":5}'.encode()
    names = [
        line.split('"')[1] for line in canonical_nested(text, EXACT).decode().split("\n")[1:-1]
    ]

    assert names == ["", "B", "a", "\ue000", "\U00010000"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"secret":1,"b":2,"secret":1}', "holds the member 'secret' twice"),
        (rb'{"a":1,"\u0061":1}', "holds the member 'a' twice"),
        (b'[{"a":{"x\xc3\xa9":1,"x\xc3\xa9":1}}]', r"holds the member 'x\\xe9' twice"),
        (rb'"\ud800"', "half of a surrogate pair"),
        (rb'{"\udc00\ud800":1}', "half of a surrogate pair"),
        (b'"\xed\xa0\x80"', "is not UTF-8"),
        (b"NaN", "NaN is not a number"),
        (b"[-Infinity]", "-Infinity is not a number"),
        (b'{"4711": hidden}', "is not JSON: expecting value at line 1 column 10"),
        (b'{"a":"hidden"', "is not JSON"),
        (b"", "is not JSON"),
        (b"01", "is not JSON"),
        (b"[1,]", "is not JSON"),
        (b'"\t"', "is not JSON"),
        (b"1 2", "is not JSON"),
        (b"\xef\xbb\xbf1", "byte order mark"),
        ("\uff11".encode(), "is not JSON"),
        (b"\x0b1", "is not JSON"),
    ],
)
def test_what_readers_would_lose_is_refused_without_showing_it(text: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedValueError, match=reason) as caught:
        canonical_nested(text, EXACT)

    assert "hidden" not in caught.value.message
    assert caught.value.message[0].islower()
    assert not caught.value.message.endswith(".")
    assert canonical_batch([[text]], [EXACT]) is None


def test_a_long_name_is_cut_in_the_message() -> None:
    name = "n" * 5000
    with pytest.raises(UnsupportedValueError) as caught:
        canonical_nested(f'{{"{name}":1,"{name}":2}}'.encode(), EXACT)

    assert len(caught.value.message) < 200


@pytest.mark.parametrize("kind", [CLEAN, EXACT])
@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_has_a_limit(kind: NestedKind, opened: bytes, closed: bytes) -> None:
    deepest = opened * MAX_DEPTH + b"1" + closed * MAX_DEPTH
    too_deep = opened + deepest + closed

    assert canonical_nested(deepest, kind).count(b"\n") == 2 * MAX_DEPTH
    assert canonical_batch([[deepest[len(opened) : -len(closed)]]], [kind]) is not None
    for text in (too_deep, too_deep.replace(b"1", opened + closed), opened * 1_000_000):
        assert canonical_batch([[b"1"], [text]], [kind, kind]) is None
        with pytest.raises(UnsupportedValueError, match="nested deeper than 100 levels"):
            canonical_nested(text, kind)


def test_brackets_in_strings_are_no_depth() -> None:
    inside = b"[" * 500

    assert depth(b'["' + inside + b'"]') == 1
    assert depth(rb'["\"' + inside + rb'\\",[]]') == 2
    assert depth(rb'["\\",' + inside) == 501
    assert canonical_nested(b'"' + inside + b'"', CLEAN) == b'"' + inside + b'"'


def test_many_shallow_values_together_are_not_deep() -> None:
    raws = [b'[{"a":[]}]'] * 200

    written = canonical_batch([raws], [CLEAN])

    assert written == [[canonical_nested(raws[0], CLEAN)] * 200]


@pytest.mark.parametrize(
    "raws",
    [
        [b"0", b"0", b"0"],
        [b"[0,0,0]", b"[[0],0]", b"0"],
        [b'",0,"', rb'"\n  0,\n  "', b'{",0,":0}'],
        [b"[1.5,0]", b"123456789012345678901", b'"1.5"'],
    ],
)
@pytest.mark.parametrize("kinds", [[CLEAN] * 3, [EXACT] * 3, [EXACT, CLEAN, EXACT]])
def test_values_read_together_stay_apart(raws: list[bytes], kinds: list[NestedKind]) -> None:
    alone = [canonical_nested(raw, kind) for raw, kind in zip(raws, kinds, strict=True)]

    written = canonical_batch([[raw] for raw in raws], kinds)
    assert written in ([[text] for text in alone], None)
    assert canonical_batch([raws[:1] * 2], kinds[:1]) == [alone[:1] * 2]


def test_values_that_are_json_only_together_are_refused() -> None:
    """A reader of the whole list must not mend what is broken alone."""
    for raws in ([b"1,2", b"3"], [b"[1", b"2]"], [b'"a', b'b"'], [b"", b""]):
        written = canonical_batch([raws], [EXACT])
        assert written is None
