"""The parts of the source that need no server."""
