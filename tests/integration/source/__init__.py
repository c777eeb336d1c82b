"""PostgreSQL as a source, on a real server."""
