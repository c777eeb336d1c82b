"""The example of the patch format is a patch file that does what the page says."""

from __future__ import annotations

from gitexport.canonical.value import loads
from gitexport.compare.patch import apply_patch
from gitexport.compare.patch_file import read_patch
from gitexport.model.changeset import ABSENT
from tests.documentation.pages import ROOT

_PAGE = ROOT / "docs" / "reference" / "patch-format.md"


def test_example_reads_and_applies() -> None:
    example = _PAGE.read_text().partition("```json\n")[2].partition("```")[0]

    changed, added, removed = read_patch(example.encode()).documents

    before = loads(b'{"id": 1, "price": 1.10, "tags": ["a", "b"]}')
    after = loads(b'{"id": 1, "price": 1.25, "tags": ["a", "b", "new"]}')
    assert apply_patch(before, changed.changes) == after
    assert apply_patch(ABSENT, added.changes) == loads(b'{"id": 2, "price": 9.00, "tags": []}')
    gone = loads(b'{"id": 3, "price": 2.50, "tags": []}')
    assert apply_patch(gone, removed.changes) is ABSENT
