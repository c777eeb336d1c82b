"""Writes documents back into rows: staging, ordering, one statement per set, reading back."""
