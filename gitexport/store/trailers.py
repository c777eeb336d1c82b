"""Reads the trailers of a commit message, as git does.

Trailers are the last paragraph, if it is not the first one, and if every line is
`token: value` (or continues one by leading white space), or if at least a quarter is and one of
them was written by git itself.

Source: Documentation/git-interpret-trailers.txt of git.
"""

from __future__ import annotations

import re

_TRAILER = re.compile(r"([A-Za-z0-9-]+)[ \t]*:(.*)", re.DOTALL)
_GIT_GENERATED = ("Signed-off-by: ", "(cherry picked from commit ")


def parse_trailers(message: str) -> tuple[tuple[str, str], ...]:
    """Lists the trailers of a message in their order; continued lines are unfolded."""
    found: list[list[str]] = []
    trailers = others = 0
    generated = follows_trailer = False
    for line in _last_paragraph(message):
        match = _TRAILER.fullmatch(line)
        if line.startswith("#"):
            follows_trailer = False
        elif line[0].isspace():
            if not follows_trailer:
                others += 1
            elif found:
                found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
        elif match or line.startswith(_GIT_GENERATED):
            trailers += 1
            follows_trailer = True
            generated = generated or line.startswith(_GIT_GENERATED)
            if match:
                found.append([match.group(1), match.group(2).strip()])
        else:
            others += 1
            follows_trailer = False
    if others and not (generated and trailers * 3 >= others):
        return ()
    return tuple((token, value) for token, value in found)


def _last_paragraph(message: str) -> list[str]:
    lines = message.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    start = len(lines)
    while start and lines[start - 1].strip():
        start -= 1
    # The first paragraph is the subject, never trailers.
    return lines[start:] if any(line.strip() for line in lines[:start]) else []
