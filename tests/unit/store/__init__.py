"""The git side."""
