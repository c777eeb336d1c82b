"""PostgreSQL 13 and later as a source: connection, catalog, compiled reads, tracking.

Nothing is imported here, so that a command which needs no database does not load the driver.
"""
