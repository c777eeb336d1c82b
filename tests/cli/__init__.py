"""Tests of the command line: standard output, standard error, exit code."""
