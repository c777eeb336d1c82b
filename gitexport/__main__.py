"""Runs the command line: `python -m gitexport`."""

import sys

from gitexport.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
