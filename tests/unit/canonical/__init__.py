"""Tests of gitexport.canonical."""
