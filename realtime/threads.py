"""How many threads OpenCV may use."""

from __future__ import annotations

import cv2


class OneOpencvThread:
    """Lets OpenCV work alone in a `with` statement.

    Its threads spin for most of a millisecond after each bit of work, which is more CPU time than
    the whole filter takes, and save it none: the bits are too small.
    """

    def __enter__(self) -> None:
        self._threads = cv2.getNumThreads()
        if self._threads != 1:
            cv2.setNumThreads(1)

    def __exit__(self, *_: object) -> None:
        if self._threads != 1:
            cv2.setNumThreads(self._threads)
