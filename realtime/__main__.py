"""Lets `python -m realtime` start the command line."""

import sys

from realtime.cli import main

if __name__ == "__main__":
    sys.exit(main())
