"""Work done in a thread of its own, so that the loop is not held up by encoders and disks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

QUEUE_DEPTH = 4
"""Items that may wait: rides out a slow moment of the disk, at 1.4 MB a 720p frame."""
BEHIND_S = 0.2
"""Work that may wait: at the end somebody waits for it. Slow work has a shorter queue."""

_T = TypeVar("_T")


class Background(Generic[_T]):
    """Does one piece of work after the other, a few behind the caller. Nothing is left out.

    After a failure no more work is done; the caller is told at the next `put` or `close`.

    Attributes:
        waits: how many times `put` found the queue full and had to wait.
    """

    def __init__(self, work: Callable[[_T], None], name: str) -> None:
        self.waits = 0
        self._work = work
        self._queue: queue.Queue[_T | None] = queue.Queue(QUEUE_DEPTH)
        self._error: Exception | None = None
        self._told = False
        # A daemon, so that a program that dies without closing does not hang on its way out.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: _T) -> None:
        """Hand over `item`; waits while the queue is full.

        Raises:
            Exception: whatever earlier work raised.
        """
        self._tell()
        if self._queue.full():
            self.waits += 1
        self._queue.put(item)

    def close(self) -> None:
        """Wait until all is done.

        Raises:
            Exception: whatever earlier work raised, unless `put` has told already.
        """
        self._queue.put(None)
        self._thread.join()
        if not self._told:
            self._tell()

    def _tell(self) -> None:
        if self._error is not None:
            self._told = True
            raise self._error

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            # Once failed, go on emptying the queue: the caller may be waiting for a place in it.
            if self._error is None:
                start_s = time.perf_counter()
                self._try(item)
                self._shorten(time.perf_counter() - start_s)

    def _shorten(self, took_s: float) -> None:
        """Let as many items wait as are done in `BEHIND_S`, going by the latest."""
        self._queue.maxsize = max(1, min(QUEUE_DEPTH, int(BEHIND_S / max(took_s, 1e-6))))

    def _try(self, item: _T) -> None:
        try:
            self._work(item)
        except Exception as error:  # whatever it is belongs to the caller's thread
            self._error = error
