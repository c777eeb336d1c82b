"""Tests of guarantees over random input."""
