"""Looks at a data repository and its database, and changes nothing: status and doctor."""
