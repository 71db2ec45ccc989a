"""How many threads OpenCV may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Let OpenCV work alone for a while.

    Its threads spin for most of a millisecond after each bit of work, which is more CPU time than
    the whole filter takes, and save it none: the bits are too small.
    """
    threads = cv2.getNumThreads()
    if threads == 1:
        yield
        return
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
