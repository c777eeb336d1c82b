"""Where JSON text cannot be held, for messages about files that people edit."""

from __future__ import annotations

import json
import re

_TOKEN = rb'(?s)"(?:[^"\\]|\\.)*"|[\[\]{}]'
_HALF_PAIR = "[\ud800-\udfff]"


def line_of_fault(data: bytes, max_depth: int) -> int:
    """Finds the line of the first thing that canonical form refuses, 1 where it is unclear."""
    end = _first_fault(data, max_depth)
    try:
        json.loads(str(data, "utf-8")) if end is None else None
    except UnicodeDecodeError as error:
        end = error.start
    except json.JSONDecodeError as error:
        return error.lineno
    return data.count(b"\n", 0, end or 0) + 1


def _first_fault(data: bytes, max_depth: int) -> int | None:
    """Finds the first repeated member, half surrogate pair, or bracket that is too deep."""
    names: list[set[str] | None] = []
    for token in re.finditer(_TOKEN, data):
        text = token.group()
        if text in b"[{":
            names.append(set() if text == b"{" else None)
            if len(names) > max_depth:
                return token.start()
        elif text in b"]}":
            if not names:
                return None
            names.pop()
        else:
            try:
                string = json.loads(text)
            except ValueError:
                return None
            is_name = data[token.end() : token.end() + 20].lstrip().startswith(b":")
            known = names[-1] if names and is_name else None
            if re.search(_HALF_PAIR, string) or (known is not None and string in known):
                return token.start()
            if known is not None:
                known.add(string)
    return None
