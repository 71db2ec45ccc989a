"""Ending a run on request: Ctrl-C, SIGTERM and a closed terminal ask, they do not tear down."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Those that exist here are answered; SIGHUP is Unix only, SIGBREAK Windows only."""


class Stop:
    """A request to end, made by a signal or by a program and looked at by the loop.

    A plain attribute rather than `threading.Event`: a signal handler that sets an event may wait
    for ever on the lock that the interrupted `wait` holds.
    """

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        """Ask the run to end after the frame in hand."""
        self.requested = True

    def __call__(self) -> bool:
        """Return whether the run has been asked to end."""
        return self.requested


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn signals into a polite request within the `with` body; a second Ctrl-C aborts.

    Yields:
        The request. Outside the main thread, where Python allows no handlers, nothing sets it.
    """
    stop = Stop()

    def handle(signum: int, _frame: FrameType | None) -> None:
        if stop.requested and signum == signal.SIGINT:
            raise KeyboardInterrupt
        stop.request()

    previous = {}
    if threading.current_thread() is threading.main_thread():
        known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        # A signal that the parent had us ignore (nohup, a shell's background job) stays ignored.
        wanted = [number for number in known if signal.getsignal(number) != signal.SIG_IGN]
        previous = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
