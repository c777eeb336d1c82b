"""Carries whole snapshots: as archives, and from snapshots into databases."""
