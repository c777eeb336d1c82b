"""Tests of gitexport.config."""
