"""Tests of going back, in the repository and in the database."""
