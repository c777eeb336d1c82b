"""Random JSON texts and keys, with what is hostile about them made likely."""

from __future__ import annotations

import json

from hypothesis import strategies as st

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(
        ["-0", "-0.0", "0", "1.10", "1e2", "1E400", "1e-400", "-1.0e+05", "9" * 18, "9" * 19]
    ),
    st.sampled_from([str(2**63), str(2**64 - 1), str(2**64), str(-(2**63) - 1), "1" * 4301]),
    st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
STORABLE = st.characters(codec="utf-8")
HOSTILE = st.one_of(
    st.sampled_from(["", ",0,", "[", "]}", '"', "\\", "\\\\", '\\"', ",\n  0,\n  ", "\x01"]),
    st.sampled_from(["1.5", "1e5", "9" * 20, "-0", "\x00", "\x7f", "a/b", "\r\n", "\u2028"]),
    st.sampled_from(["\ud7ff", "\ue000", "\U00010000", "é", "e\u0301"]),
)
STRINGS = st.one_of(st.text(STORABLE, max_size=12), HOSTILE, st.lists(HOSTILE).map("".join))
SPACES = st.sampled_from(["", "", "", " ", "\n", "\t ", "\r\n"])


@st.composite
def _escaped(draw: st.DrawFn, text: str) -> str:
    """Spells a string in one of the ways JSON allows."""
    if draw(st.booleans()):
        return json.dumps(text, ensure_ascii=draw(st.booleans()))
    return '"' + "".join(f"\\u{unit:04X}" for unit in _units(text)) + '"'


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return [data[at] << 8 | data[at + 1] for at in range(0, len(data), 2)]


@st.composite
def json_texts(draw: st.DrawFn, *, strings: st.SearchStrategy[str], depth: int = 4) -> str:
    """Draws JSON text with any spaces, escapes and numbers, and now and then a member twice."""
    kinds = ["number", "string", "word"] + (["array", "object"] * 2 if depth else [])
    kind = draw(st.sampled_from(kinds))
    inner = json_texts(strings=strings, depth=depth - 1)
    space = draw(SPACES)
    if kind == "number":
        return space + draw(NUMBERS) + space
    if kind == "string":
        return draw(_escaped(draw(strings)))
    if kind == "word":
        return draw(st.sampled_from(["null", "true", "false", " [] ", "{}", "[ ]"]))
    if kind == "array":
        return "[" + ",".join(draw(st.lists(inner, max_size=4))) + space + "]"
    names = draw(st.lists(strings, max_size=4, unique=draw(st.sampled_from([True, True, False]))))
    members = [f"{draw(_escaped(name))}{space}:{draw(inner)}" for name in names]
    return "{" + ",".join(members) + space + "}"


KEY_TEXTS = st.one_of(
    st.text(STORABLE, max_size=30),
    st.text(st.sampled_from("aAbB-_.,~=+/\\ \x00é:%c0o1n"), max_size=12),
    st.text(st.sampled_from("aA=,~é"), min_size=60, max_size=230),
    st.sampled_from(["", "con", "CON", "com1", "lpt0", "com¹", "nul.json", "git", ".git", ".."]),
    st.sampled_from(["-rf", "git~1", "HEAD", "head", "aux ", "a.", "=", "+a", "=61"]),
    st.sampled_from(["\ufb01", "K", "\u212a", "\u0130", "\u0131", "ß"]),
)
