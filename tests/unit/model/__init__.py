"""Tests of gitexport.model."""
