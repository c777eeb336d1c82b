"""Tests of `gitexport.compare`."""
