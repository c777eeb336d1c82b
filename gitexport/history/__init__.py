"""Reads snapshots: the log of all of them, the life of one document, what one of them holds.

Reads only what it shows: a walk over a thousand snapshots reads a few trees of each.
"""
