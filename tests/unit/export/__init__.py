"""Tests of the pure parts of an export."""
