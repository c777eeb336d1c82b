"""Writes the history of a branch, or a part of it, into a SQLite database.

One row for each version of each document, with the snapshots between which it held, and one for
each field that changed. JSON stays text, so that numbers stay exact. A later run adds what is
new, in one transaction.
"""
