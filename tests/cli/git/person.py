"""A person at git's command line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def attempt(path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs git in a directory, whatever comes of it."""
    return subprocess.run(
        ["git", "-C", str(path), *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        env={**os.environ, **environment},
        check=False,
        timeout=240,
    )


def edit(path: Path, old: str, new: str) -> None:
    """Replaces a text that a file holds once."""
    content = path.read_text()
    assert content.count(old) == 1
    path.write_text(content.replace(old, new))
