"""Tests of `gitexport.transfer` on real databases and repositories."""
