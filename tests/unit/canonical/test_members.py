"""Members of a document get other values, and nothing else changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitexport.canonical.members import member_prefixes, with_members
from gitexport.canonical.value import JsonValue, canonical_value

_PLAIN: st.SearchStrategy[JsonValue] = st.none() | st.booleans() | st.integers() | st.text()
_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), _VALUES, max_size=5), st.data())
def test_equals_the_document_written_anew(
    document: dict[str, JsonValue], data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(document) or ["x"]), unique=True))
    values = {name: data.draw(_PLAIN) for name in names if name in document}
    texts = {name: canonical_value(value).rstrip(b"\n") for name, value in values.items()}

    changed = with_members(canonical_value(document), texts, member_prefixes(tuple(texts)))

    assert changed == canonical_value({**document, **values})


def test_a_member_that_is_not_there_stays_away() -> None:
    document = canonical_value({"a": {"id": 1}, "text": '\n  "id": 2'})

    assert with_members(document, {"id": b"5"}, member_prefixes(("id",))) == document
