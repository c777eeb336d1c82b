"""Offers the fixtures of this directory."""

from tests.faults.outside import outside

__all__ = ["outside"]
