"""One changed document as HTML: its fields in rows, old and new side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from gitexport.compare.changed_document import ChangedDocument
from gitexport.compare.formats.visible import (
    Parts,
    differing_parts,
    document_name,
    json_text,
    name_text,
    shortened,
)
from gitexport.model.changeset import ABSENT, ChangeKind, FieldChange
from gitexport.model.counted import counted

_MOST_FIELDS = 200
_MOST_CHARACTERS = 5_000
_LABEL_CHARACTERS = 200
_CONTEXT = 100
_MOST_NAMES = 4
_NAME_CHARACTERS = 60
_ONE_LINE = 60
_HEADERS = '<th scope="col">field</th><th scope="col">old</th><th scope="col">new</th>'


def document_html(document: ChangedDocument) -> str:
    """Writes the document, folded."""
    return "".join(_pieces(document))


def _pieces(document: ChangedDocument) -> Iterator[str]:
    change = document.change
    kind = change.kind.value
    name = f"<code>{escape(document_name(document))}</code>"
    yield f'<article data-kind="{kind}"><details>'
    yield f'<summary><span class="kind">{change.kind.mark} {kind}</span> {name}'
    if document.label is not None:
        label = shortened(json_text(document.label), _LABEL_CHARACTERS)
        yield f' <code class="quiet">{escape(label)}</code>'
    if change.kind is ChangeKind.MODIFIED:
        yield f' <span class="quiet">{escape(_named(change.fields))}</span>'
    yield "</summary>\n"
    yield from _body(document)
    yield "</details></article>\n"


def _body(document: ChangedDocument) -> Iterator[str]:
    change = document.change
    if change.old_path is not None:
        paths = [
            f"<code>{escape(name_text(path))}</code>" for path in (change.old_path, change.path)
        ]
        yield f'<p class="reason">{paths[0]} is now {paths[1]}</p>\n'
    if change.reason is not None:
        # Without the quotes: no reason begins with what strangers wrote.
        reason = json_text(change.reason)[1:-1]
        yield f'<p class="reason">Not compared: {escape(reason)}</p>\n'
    elif change.kind is ChangeKind.REWRITTEN:
        yield '<p class="reason">Other bytes say the same.</p>\n'
    elif change.kind is not ChangeKind.RENAMED:
        caption = f"Fields of {document_name(document)}"
        yield f'<table class="fields"><caption class="sr">{escape(caption)}</caption>'
        yield f"<thead><tr>{_HEADERS}</tr></thead>\n<tbody>\n"
        for changed in change.fields[:_MOST_FIELDS]:
            yield _row(changed)
        yield "</tbody></table>\n"
        left = len(change.fields) - _MOST_FIELDS
        if left > 0:
            more = counted(left, "more field is", "more fields are")
            yield f'<p class="reason">{more} not shown here.</p>\n'


def _named(fields: Sequence[FieldChange]) -> str:
    """Names the first fields, for a document that is folded."""
    names = [shortened(name_text(changed.pointer), _NAME_CHARACTERS) for changed in fields]
    left = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {left:,} more" if left > 0 else "")


def _row(changed: FieldChange) -> str:
    pointer = escape(name_text(changed.pointer or "/"))
    old, new = _sides(changed)
    return (
        f'<tr><th scope="row"><code>{pointer}</code></th>'
        f'<td class="old" data-side="old">{old}</td>'
        f'<td class="new" data-side="new">{new}</td></tr>\n'
    )


def _sides(changed: FieldChange) -> tuple[str, str]:
    old, new = _text(changed.old), _text(changed.new)
    if changed.old is ABSENT:
        return "", _code(escape(shortened(new, _MOST_CHARACTERS)))
    if changed.new is ABSENT:
        return _code(escape(shortened(old, _MOST_CHARACTERS))), ""
    if not isinstance(changed.old, (str, list, dict)) or type(changed.old) is not type(changed.new):
        before, after = Parts("", old, ""), Parts("", new, "")
    else:
        before, after = differing_parts(old, new)
    return _code(_marked(before, "del")), _code(_marked(after, "ins"))


def _text(value: object) -> str:
    text = json_text(value)
    is_nested = isinstance(value, (dict, list)) and len(text) > _ONE_LINE
    return json_text(value, is_pretty=True) if is_nested else text


def _marked(parts: Parts, tag: str) -> str:
    """Marks what differs; of what both sides share, only what stands around it is shown."""
    before, after = parts.before, parts.after
    if len(before) > 2 * _CONTEXT:
        before = "…" + before[-_CONTEXT:]
    if len(after) > 2 * _CONTEXT:
        after = after[:_CONTEXT] + "…"
    middle = escape(shortened(parts.middle, _MOST_CHARACTERS))
    marked = f"<{tag}>{middle}</{tag}>" if middle else ""
    return escape(before) + marked + escape(after)


def _code(text: str) -> str:
    return f"<code>{text}</code>"
