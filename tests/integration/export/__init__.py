"""Exports of a real database into a real repository."""
