"""Tests of gitexport.api."""
