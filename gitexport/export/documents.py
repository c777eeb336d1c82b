"""Renews the files that are made by queries."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gitexport.canonical.check import canonical_json
from gitexport.errors import NotCanonicalError, UnsupportedValueError
from gitexport.export.encode import REFUSED_BYTES
from gitexport.model.entity import QueryDocument
from gitexport.model.ports import SourceView

# Within a string it is no parameter, and then the document is only renewed less often.
_NAMES_THE_RUN = re.compile(r"(?<![:\w]):(?:tag|exported_at)\b")


@dataclass(slots=True)
class RenewedDocuments:
    """The new content by path, and why others keep their old one."""

    contents: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def leave_out(self, path: str, content: bytes | None) -> None:
        """Forgets a new content that is the one there was."""
        if path in self.contents and self.contents[path] == content:
            del self.contents[path]


def needs_renewal(
    document: QueryDocument,
    changed: Collection[str],
    due: Collection[str],
    *,
    reads_all: bool,
) -> bool:
    """Tells whether a document may differ: an entity it depends on changed, or it is `due`.

    A run that reads all rows also renews what may hold other relations' rows, but for those
    that name the run itself: they would differ each time, and be its only change.
    """
    if document.path in due or (reads_all and not _NAMES_THE_RUN.search(document.query)):
        return True
    return any(name in changed for name in document.depends) if document.depends else bool(changed)


def renew(
    view: SourceView, documents: Collection[QueryDocument], parameters: Mapping[str, str]
) -> RenewedDocuments:
    """Runs the queries in the view; one that fails keeps its old file."""
    renewed = RenewedDocuments()
    for document in documents:
        try:
            content = canonical_json(view.document(document, parameters))
            if len(content) > REFUSED_BYTES:
                renewed.refused[document.path] = f"the document has {len(content):,} bytes"
                continue
            renewed.contents[document.path] = content
        except (UnsupportedValueError, NotCanonicalError) as error:
            renewed.refused[document.path] = error.message
    return renewed
