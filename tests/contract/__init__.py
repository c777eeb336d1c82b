"""One suite of tests for all implementations of each port."""
