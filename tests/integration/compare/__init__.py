"""Tests of `compare` and its command, on real snapshots and a real database."""
