"""The picture of the layers is the one that is enforced."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from tests.documentation.pages import ROOT
from tests.documentation.tables import names, sections

_PAGE = ROOT / "docs" / "architecture.md"


def _contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def _present(layer: str) -> list[str]:
    packages = re.findall(r"\w+", layer)
    return [
        name
        for name in packages
        if (ROOT / "gitexport" / name).is_dir() or (ROOT / "gitexport" / f"{name}.py").is_file()
    ]


def test_picture_shows_the_layers_that_are_there() -> None:
    enforced = [_present(layer) for layer in _contracts()[0]["layers"]]
    text = _PAGE.read_text(encoding="utf-8")
    picture = text.split("```\n")[1]

    assert [re.findall(r"\w+", line) for line in picture.splitlines()] == enforced
    assert names(sections(_PAGE)["Layers"]) == [name for layer in enforced for name in layer]


def test_every_library_has_the_home_that_is_enforced() -> None:
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \|$", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    enforced = {
        tuple(allowed.replace("gitexport.", "").replace(".**", "").split(" -> ")[::-1])
        for contract in _contracts()
        for allowed in contract.get("ignore_imports", [])
    }

    assert set(rows) == enforced
