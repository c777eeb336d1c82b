"""Where keys stand in a TOML text."""

from __future__ import annotations

from gitexport.config.lines import key_lines, nearest_line

TEXT = '''# first
a = """
b = 1
[c]
"""   # ] and more
"d.e" = [ # [
  "]", ']',

]
f.g = { h = "}", i = [1,
  2] }

[ j . 'k "' ] # [not]
l = "\\"]"
\t[m]
[n."o]"]
p=1'''


def test_strings_brackets_and_comments_do_not_hide_lines() -> None:
    lines = key_lines(TEXT)

    assert lines == {
        ("a",): 2,
        ("d.e",): 6,
        ("f",): 10,
        ("f", "g"): 10,
        ("j",): 13,
        ("j", 'k "'): 13,
        ("j", 'k "', "l"): 14,
        ("m",): 15,
        ("n",): 16,
        ("n", "o]"): 16,
        ("n", "o]", "p"): 17,
    }


def test_key_of_an_inline_table_gets_the_line_of_the_table() -> None:
    assert nearest_line(key_lines(TEXT), ("f", "g", "h")) == 10
    assert nearest_line(key_lines(TEXT), ("unknown",)) is None
