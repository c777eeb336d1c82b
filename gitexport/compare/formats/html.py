"""Writes a comparison as one HTML page that needs nothing beside itself.

The page loads nothing: its policy allows the one style and the one script that stand in it,
by their digests. Everything of the data is escaped, and shows what it would hide. Without the
script all is there, unfiltered. The page is held until its counts are known.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files

from gitexport.compare.comparison import Comparison
from gitexport.compare.formats import Write
from gitexport.compare.formats.html_document import document_html
from gitexport.compare.formats.visible import name_text
from gitexport.model.changeset import ChangeCounts, ChangedFile, ChangeKind
from gitexport.model.counted import counted

MOST_DOCUMENTS = 5_000
"""Browsers fold and search as many without a pause."""
MOST_CHARACTERS = 20_000_000

_USUAL = (ChangeKind.ADDED, ChangeKind.MODIFIED, ChangeKind.DELETED)
_UNFOLDED = 50
"""Pages with more documents show them folded."""


def write(comparison: Comparison, out: Write) -> None:
    """Writes the page; of very many documents the first ones, and how many are left out."""
    shown: dict[str, list[str]] = {}
    number, size = 0, 0
    for document in comparison.changes():
        listed = shown.setdefault(document.change.entity, [])
        if number < MOST_DOCUMENTS and size < MOST_CHARACTERS:
            listed.append(document_html(document))
            size += len(listed[-1])
            number += 1
    is_open = number <= _UNFOLDED
    for piece in _page(comparison, shown, is_open=is_open):
        out(piece)


def _page(comparison: Comparison, shown: dict[str, list[str]], *, is_open: bool) -> Iterator[str]:
    style, script = _resource("style.css"), _resource("script.js")
    title = f"Data changes from {comparison.base.name} to {comparison.target.name}"
    yield _HEAD.format(
        style_digest=_digest(style), script_digest=_digest(script), title=escape(title), style=style
    )
    yield f"<header>\n<h1>{escape(title)}</h1>\n"
    if comparison.is_empty:
        yield "<p>Nothing differs.</p>\n"
    else:
        yield from _counts(comparison)
    yield from _files(comparison.files)
    yield "</header>\n"
    if any(shown.values()):
        yield from _form(comparison.total)
    yield "<main>\n"
    for place, (name, documents) in enumerate(shown.items()):
        yield from _section(place, name, documents, comparison.counts[name], is_open=is_open)
    yield f"</main>\n<script>{script}</script>\n</body>\n</html>\n"


def _counts(comparison: Comparison) -> Iterator[str]:
    kinds = [kind for kind in ChangeKind if kind in _USUAL or getattr(comparison.total, kind.value)]
    headers = "".join(f'<th scope="col">{kind.value}</th>' for kind in kinds)
    yield '<div class="scroll"><table class="counts">\n'
    yield '<caption class="sr">Documents that differ</caption>\n'
    yield f'<thead><tr><th scope="col">entity</th>{headers}</tr></thead>\n<tbody>\n'
    for place, (name, counts) in enumerate(comparison.counts.items()):
        link = f'<a href="#entity-{place}"><code>{escape(name_text(name))}</code></a>'
        yield f'<tr><th scope="row">{link}</th>{_cells(counts, kinds)}</tr>\n'
    if len(comparison.counts) > 1:
        yield f'<tr><th scope="row">all</th>{_cells(comparison.total, kinds)}</tr>\n'
    yield "</tbody></table></div>\n"


def _cells(counts: ChangeCounts, kinds: Sequence[ChangeKind]) -> str:
    return "".join(f"<td>{getattr(counts, kind.value):,}</td>" for kind in kinds)


def _files(changed: tuple[ChangedFile, ...]) -> Iterator[str]:
    if not changed:
        return
    yield "<details><summary>Other files: " + f"{len(changed):,}</summary>\n<ul>\n"
    for file in changed:
        yield f"<li><code>{escape(name_text(file.path))}</code> {file.kind.value}</li>\n"
    yield "</ul></details>\n"


def _form(total: ChangeCounts) -> Iterator[str]:
    yield '<form hidden role="search">\n'
    field = '<input type="search" placeholder="words of keys, fields, values">'
    yield f"<label>Filter {field}</label>\n"
    for kind in ChangeKind:
        if getattr(total, kind.value):
            box = f'<input type="checkbox" value="{kind.value}" checked>'
            yield f"<label>{box} {kind.value}</label>\n"
    yield '<button type="button" id="open">Unfold</button>\n'
    yield '<button type="button" id="close">Fold</button>\n'
    yield '<output class="quiet"></output>\n</form>\n'


def _section(
    place: int, name: str, documents: list[str], counts: ChangeCounts, *, is_open: bool
) -> Iterator[str]:
    entity = escape(name_text(name))
    yield f'<section data-entity="{entity}" aria-labelledby="entity-{place}">\n'
    yield f'<h2 id="entity-{place}"><code>{entity}</code></h2>\n'
    for document in documents:
        yield document.replace("<details>", "<details open>", 1) if is_open else document
    left = counts.total - len(documents)
    if left:
        more = counted(left, "more document is", "more documents are")
        yield f'<p class="quiet">{more} not shown here.</p>\n'
    yield "</section>\n"


def _resource(name: str) -> str:
    return (files("gitexport.compare.formats") / "page" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src '{style_digest}'; script-src '{script_digest}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""
