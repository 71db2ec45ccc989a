"""Work done in a thread of its own, so that the loop is not held up by encoders and disks."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

QUEUE_DEPTH = 4
"""Items that may wait: rides out a slow moment of the disk, at 1.4 MB a 720p frame."""
BEHIND_S = 0.2
"""Work that may wait: at the end somebody waits for it. Slow work has a shorter queue, and what
takes longer than this has none: an item is handed over once the one before it is done."""

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
        self._changed = threading.Condition()
        # The one being worked on is the first of them until it is done.
        self._items: deque[_T] = deque()
        # How many may wait behind it; none until it is known how long one takes.
        self._depth = 0
        self._closing = False
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
        with self._changed:
            if not self._has_room():
                self.waits += 1
                self._changed.wait_for(self._has_room)
            self._items.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        """Wait until all is done.

        Raises:
            Exception: whatever earlier work raised, unless `put` has told already.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if not self._told:
            self._tell()

    def _has_room(self) -> bool:
        return len(self._items) <= self._depth

    def _tell(self) -> None:
        if self._error is not None:
            self._told = True
            raise self._error

    def _run(self) -> None:
        while self._wait_for_work():
            start_s = time.perf_counter()
            # Once failed, go on emptying the queue: the caller may be waiting for a place in it.
            if self._error is None:
                self._try(self._items[0])
            took_s = time.perf_counter() - start_s
            with self._changed:
                self._items.popleft()
                # As many as are done in `BEHIND_S`, going by the latest.
                self._depth = min(QUEUE_DEPTH, int(BEHIND_S / max(took_s, 1e-6)))
                self._changed.notify_all()

    def _wait_for_work(self) -> bool:
        """Wait for an item; false once all are done and there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closing)
            return bool(self._items)

    def _try(self, item: _T) -> None:
        try:
            self._work(item)
        except Exception as error:  # whatever it is belongs to the caller's thread
            self._error = error
