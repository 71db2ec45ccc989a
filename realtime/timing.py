"""Clocks: what each stage costs, how late a frame is shown, and waiting for the right moment."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

SLICE_S = 0.02
"""Longest nap while waiting, so that a request to stop is answered at once."""
LOST_S = 1.0
"""A clip this late does not catch up."""
KEPT_SAMPLES = 10_000
"""Percentiles look at this many of the latest samples (over 5 minutes at 30 fps), so that a run
of days does not fill the memory."""


class Stopwatch:
    """Adds up what every stage of the loop costs, by name and in the order of first use."""

    def __init__(self) -> None:
        self._totals_s: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the body of a `with` statement, even where it raises."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        """Add one measurement of `seconds` to the stage `name`."""
        self._totals_s[name] = self._totals_s.get(name, 0.0) + seconds
        self._counts[name] = self._counts.get(name, 0) + 1

    def means_ms(self) -> dict[str, float]:
        """Return the mean of each stage in milliseconds."""
        return {name: 1000 * total / self._counts[name] for name, total in self._totals_s.items()}


class Laps:
    """The stages of one piece of work, one after the other.

    Attributes:
        laps_ms: milliseconds of each.
    """

    def __init__(self) -> None:
        self.laps_ms: dict[str, float] = {}
        self._last_s = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Note that `stage` has ended, and that the next one begins."""
        now = time.perf_counter()
        self.laps_ms[stage] = (now - self._last_s) * 1e3
        self._last_s = now


class Samples:
    """The latest measurements of one quantity, for percentiles."""

    def __init__(self, kept: int = KEPT_SAMPLES) -> None:
        self._values: deque[float] = deque(maxlen=kept)

    def add(self, value: float) -> None:
        """Add one measurement; the oldest gives way when the store is full."""
        self._values.append(value)

    def percentile(self, percent: float) -> float:
        """Return the value that `percent` (0..100) of the samples do not exceed; 0 without any."""
        return float(np.percentile(self._values, percent)) if self._values else 0.0


class Playback:
    """The moments at which the frames of a clip are due."""

    def __init__(self) -> None:
        self._origin_s: float | None = None

    def due_s(self, time_s: float, now_s: float) -> float:
        """Return when the frame of clip time `time_s` is due; the first one is due now.

        A clip that has fallen more than `LOST_S` behind, as when the machine slept, goes on from
        the frame at hand rather than racing after its schedule.
        """
        if self._origin_s is None or now_s - (self._origin_s + time_s) > LOST_S:
            self._origin_s = now_s - time_s
        return self._origin_s + time_s


def sleep_until(due_s: float, stopped: Callable[[], bool]) -> None:
    """Sleep until `time.perf_counter()` reaches `due_s`, or until `stopped()` is true."""
    while (left := due_s - time.perf_counter()) > 0 and not stopped():
        time.sleep(min(left, SLICE_S))


def process_start_s() -> float:
    """Return when this process started, in seconds of `time.perf_counter()`.

    Linux tells it to 10 ms. Elsewhere it is the time of this call, so call it early.
    """
    now = time.perf_counter()
    try:
        # The command's name, field 2, may hold spaces and brackets: count from its last bracket.
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks = int(fields[19])
    except (OSError, ValueError, IndexError):
        return now
    import os

    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return now - age_s
