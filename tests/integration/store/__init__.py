"""The store against the real git program."""
