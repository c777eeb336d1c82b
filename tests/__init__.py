"""Tests of gitexport."""
