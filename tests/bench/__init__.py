"""Measures what gitexport promises of speed and memory; run by `make bench`, never by the tests.

Every figure is a ratio of two things measured in the same run, in turns, on a real
PostgreSQL that waits for its disk. Files always go into directories that did not exist
before, and are removed only at the end: many file systems create files much more slowly
after a mass deletion.
"""
