"""Lets `python -m realtime` start the command line, and ends the process when it is done."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

from realtime.terminal import flush, say

ABORTED = 130
"""What shells report of a program that Ctrl-C ended."""


def start() -> NoReturn:
    """Run the command line and end the process with its exit status."""
    try:
        # Imported here: that takes half of the start, and somebody may think better of it.
        from realtime.arrays import MOST_PIXELS

        # Of a picture that is read. OpenCV itself takes four times as many, and looks only while
        # it is loaded.
        os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MOST_PIXELS))
        from realtime.cli import main

        status = main()
    except KeyboardInterrupt:
        say("aborted")
        status = ABORTED
    if threading.active_count() > 1:
        # A driver still holds a camera's thread. If it lets go of it while Python takes itself
        # apart, C++ ends the process as if it had crashed; all that matters is closed already.
        flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    start()
