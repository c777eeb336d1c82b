"""Faults that an export meets, seen from the real command line."""
