"""All journeys for Python callers: one function for each command, options in, report out.

Finds the data repository, reads its configuration, connects to the source, and hands them to
the use cases. Prints nothing and reads no environment: callers pass it in. Functions live in
modules of their own, so that importing one does not load the libraries of all.
"""
