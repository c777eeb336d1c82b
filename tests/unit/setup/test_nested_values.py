"""JSON texts are taken apart by the names of their members, also where they were cut."""

from __future__ import annotations

import pytest

from gitexport.setup.nested_values import read_members


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('{"a": "x", "b": [1, {"c": "y"}, "z"]}', {"a": ["x"], "b": ["1", "z"], "c": ["y"]}),
        ('{"d": 2.5}', {"d": []}),
        ('["x", [7], null, true]', {"": ["x", "7"]}),
        ('{"a": "caf\\u00e9 \\"q\\""}', {"a": ['café "q"']}),
        ('{"a": "cut in the 12', {"a": ["cut in the 12"]}),
        ('{"a": "cut\\', {"a": ["cut\\"]}),
        ("[" * 4000, {}),
    ],
)  # fmt: skip
def test_texts_stand_with_their_nearest_member(text: str, texts: dict[str, list[str]]) -> None:
    found = {name: member.texts for name, member in read_members([text]).items()}

    assert found == {"": [], **texts}
