"""Tests of `gitexport.history` and its commands, on real snapshots."""
