"""The HTML page of a comparison, read by a parser of HTML as the judge."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from gitexport.canonical.value import JsonValue, canonical_value
from gitexport.compare.formats import html
from gitexport.model.changeset import ChangedFile, ChangeKind, FileRole
from gitexport.model.relation import Column
from tests.fixtures.comparisons import Pair, compared, formatted, stored_entity
from tests.fixtures.hostile import HOSTILE

VOID = {"meta", "input"}
ELEMENTS = VOID | {
    *("html", "head", "title", "style", "body", "header", "main", "section", "script", "form"),
    *("h1", "h2", "p", "div", "span", "a", "code", "del", "ins", "label", "button", "output"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "article", "details", "summary"),
    *("ul", "li"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "scope", "href", "hidden"),
    *("role", "type", "placeholder", "value", "checked", "data-entity", "data-kind", "data-side"),
    *("aria-labelledby", "open"),
}


class Page(HTMLParser):
    """Reads a page; fails where it is not well-formed or holds what no page of ours holds."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self.cells: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens an element."""
        assert tag in ELEMENTS
        assert {name for name, _ in attrs} <= ATTRIBUTES
        assert len(dict(attrs)) == len(attrs)
        self.seen.append((tag, dict(attrs)))
        if tag == "td" and "data-side" in dict(attrs):
            self.cells.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closes the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keeps text with the element that holds it."""
        if self.open:
            self.texts.append((self.open[-1], data))
        if "td" in self.open and self.cells:
            self.cells[-1] += data

    def handle_comment(self, data: str) -> None:
        """Keeps comments, of which there are none."""
        self.comments.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Gives the attributes of all elements of a name."""
        return [attributes for name, attributes in self.seen if name == tag]

    def text(self, *tags: str) -> str:
        """Joins the text of elements."""
        return "".join(text for tag, text in self.texts if tag in tags)


def user(number: int, **members: JsonValue) -> bytes:
    """Makes a document."""
    return canonical_value({"id": number, **members})


def digest(text: str) -> str:
    """Computes a digest as a policy names it."""
    return "'sha256-" + b64encode(sha256(text.encode()).digest()).decode() + "'"


def hostile_page(hostile: str) -> str:
    """Makes a page with a hostile text at every place that data can reach."""
    old: dict[str, JsonValue] = {"id": 1, "name": "label", "v": "x", "w": hostile}
    new: dict[str, JsonValue] = {"id": 1, "name": hostile, "v": hostile, hostile: [{hostile: 1}]}
    entity = stored_entity("users", Column("id", "text"))
    pairs = [
        Pair((hostile,), canonical_value(old), canonical_value(new)),
        Pair(("added" + hostile,), None, canonical_value(new)),
        Pair(("broken",), None, json.dumps({hostile: 1}).encode()[:-1] + b"x"),
        Pair(("x" + hostile,), b"{}", b"{}", old_key=(hostile,)),
    ]
    comparison = compared({"users": pairs}, {"users": entity}, label="name")
    comparison.files = (ChangedFile(f"schemas/{hostile}", FileRole.RELATION, ChangeKind.ADDED),)
    return formatted("html", comparison)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_text_and_nothing_else(hostile: str) -> None:
    page = hostile_page(hostile)

    read = Page(page)
    assert len(read.all("script")) == len(read.all("style")) == 1
    assert read.comments == []
    outside = page.partition("</style>")[2].partition("<script>")[0]
    assert outside.replace("\n", "").isprintable()
    # What it hides is spelled out in the JSON, which is exact.
    assert [json.loads(cell) for cell in read.cells if cell].count(hostile) >= 4


def test_policy_allows_this_style_and_this_script_alone() -> None:
    page = formatted("html", compared({"users": [Pair(("1",), None, user(1))]}))

    read = Page(page)
    (policy,) = [
        str(meta["content"])
        for meta in read.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    style = page.partition("<style>")[2].partition("</style>")[0]
    script = page.partition("<script>")[2].partition("</script>")[0]
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src {digest(style)}",
        f"script-src {digest(script)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert "style=" not in page.replace(style, "")
    assert not re.search(r"\son[a-z]+=", page.replace(script, ""))


def test_page_needs_no_network() -> None:
    page = formatted("html", compared({"users": [Pair(("1",), None, user(1))]}))

    assert "://" not in page
    assert "url(" not in page
    assert "@import" not in page
    links = [str(a["href"]) for a in Page(page).all("a")]
    ids = [str(attributes["id"]) for _, attributes in Page(page).seen if "id" in attributes]
    assert links == ["#entity-0"]
    assert "entity-0" in ids
    assert len(set(ids)) == len(ids)


def test_old_and_new_stand_side_by_side() -> None:
    pairs = [
        Pair(("1",), user(1, name="Rome east", n=1), user(1, name="Bern east", n=True)),
        Pair(("2",), None, user(2)),
        Pair(("3",), user(3), None),
    ]

    page = formatted("html", compared({"users": pairs}))

    rows = re.findall(r"<code>(/[a-z]+)</code></th><td.*?>(.*?)</td><td.*?>(.*?)</td>", page)
    assert [tuple(cell.replace("&quot;", '"') for cell in row) for row in rows] == [
        ("/n", "<code><del>1</del></code>", "<code><ins>true</ins></code>"),
        (
            "/name",
            '<code>"<del>Rome</del> east"</code>',
            '<code>"<ins>Bern</ins> east"</code>',
        ),
        ("/id", "", "<code>2</code>"),
        ("/id", "<code>3</code>", ""),
    ]


def test_tables_have_headers_and_fields_have_labels() -> None:
    read = Page(formatted("html", compared({"users": [Pair(("1",), None, user(1))]})))

    assert all("scope" in header for header in read.all("th"))
    assert len(read.all("caption")) == len(read.all("table")) == 2
    assert len(read.all("label")) == len(read.all("input"))
    assert len(read.all("h1")) == 1
    assert len(read.all("h2")) == len(read.all("section")) == 1
    assert {"lang": "en"} in read.all("html")
    # Without the script nothing is offered that would not work.
    assert "hidden" in read.all("form")[0]


def test_many_documents_are_folded_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html, "MOST_DOCUMENTS", 120)
    many = [Pair((str(n),), None, user(n)) for n in range(200)]

    page = formatted("html", compared({"many": many, "few": [Pair(("1",), None, user(1))]}))

    read = Page(page)
    assert len(read.all("article")) == 120
    assert [details for details in read.all("details") if "open" in details] == []
    assert "80 more documents are not shown here." in page
    assert "1 more document is not shown here." in page
    assert "<td>200</td>" in page


def test_few_documents_are_open() -> None:
    read = Page(formatted("html", compared({"users": [Pair(("1",), None, user(1))]})))

    assert [details for details in read.all("details") if "open" in details] != []


def test_long_values_are_cut_around_what_differs() -> None:
    old, new = "a" * 90_000 + "old" + "b" * 90_000, "a" * 90_000 + "new" + "b" * 90_000

    page = formatted("html", compared({"users": [Pair(("1",), user(1, v=old), user(1, v=new))]}))

    assert "<del>old</del>" in page
    assert "<ins>new</ins>" in page
    assert len(page) < 20_000


def test_no_difference_is_said() -> None:
    page = formatted("html", compared({}))

    assert "Nothing differs." in Page(page).text("p")
