"""Frozen values, the ports between packages, and pure algorithms.

Knows the words of the field (relation, entity, document, snapshot) and nothing of
databases, git, files or terminals.
"""
