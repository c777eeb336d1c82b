"""gitexport keeps a git repository of canonical JSON in step with a database."""

__version__ = "0.1.0"
