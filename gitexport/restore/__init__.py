"""Goes back: restore, revert and apply, as new snapshots; history is never rewritten.

Each of the three first says which documents have to change (`plan`), and then either the
repository (`snapshot`) or the rows of a database are brought there.
"""
