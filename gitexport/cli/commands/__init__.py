"""One module for each command: `command` for click, its arguments as a dataclass, `run`."""
