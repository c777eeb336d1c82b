"""The command line: arguments, environment and terminal; one module for each command.

The only place that reads the environment and prints, and the only home of click and rich.
A command turns its arguments into a frozen value, calls `gitexport.api`, and renders the
report that comes back. Heavy libraries are loaded by the command that needs them.
"""
