"""Finds what is wrong in the Markdown pages of this repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_MAKE = re.compile(r"(?:^|`)make ([a-z][a-z-]*)", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Lists the pages that people read."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def problems(page: Path, root: Path = ROOT) -> Iterator[str]:
    """Gives one sentence for each thing that is wrong in a page."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(root)
    for number, line in enumerate(text.split("\n"), start=1):
        if line != line.rstrip():
            yield f"{name}:{number}: spaces at the end of the line"
    if not text.startswith("# "):
        yield f"{name}: no title"
    for target in _LINK.findall(_FENCE.sub("", text)):
        if "://" not in target and not _leads_somewhere(page, target):
            yield f"{name}: the link '{target}' leads nowhere"
    known = set(_TARGET.findall((root / "Makefile").read_text(encoding="utf-8")))
    for target in sorted(set(_MAKE.findall(text)) - known):
        yield f"{name}: there is no target 'make {target}'"


def _leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    aim = page.parent / path if path else page
    if not aim.exists() or not anchor:
        return aim.exists()
    headings = _HEADING.findall(aim.read_text(encoding="utf-8"))
    return anchor in {_anchor(heading) for heading in headings}


def _anchor(heading: str) -> str:
    """Names a heading as the git hosts do."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")
