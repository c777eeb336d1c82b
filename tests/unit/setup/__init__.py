"""Tests of the setup package."""
