"""What a run counts as it goes, and the statistics that it ends with."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import asdict, dataclass

from realtime.arrays import Size
from realtime.timing import Samples, Stopwatch

_RECENT = 30
"""Mosaics that what is called "of late" looks at: about a second."""


@dataclass(frozen=True)
class Statistics:
    """What happened in a run.

    Attributes:
        frames: mosaics that at least one sink took.
        captured: frames that the source had to give meanwhile; the sum of `frames` and `dropped`.
        dropped: frames that came too late to be shown.
        fps: mosaics a second, from the first to the last but for rests; 0 for fewer than two.
        latency_ms: p50 and p95, from the capture (live) or the frame's turn (files) until the
            last sink has the mosaic.
        stage_ms: mean cost of every stage. "wait" is for the source and for the right moment; the
            parts of "filter" are named after it; sinks go by their names.
        provider: what computed.
        rows: of tiles in a mosaic.
        columns: of tiles in a mosaic.
        tile_size: side in pixels.
        tile_set: its name.
        source: its name.
        size: (width, height) of the mosaics; (0, 0) if there were none.
        sinks: their names, also of those that failed.
        seconds: how long the run took, with the closing of the sinks.
        rested_s: for how much of that the source rested because nobody looked.
        startup_ms: from the start of the program to the first mosaic; 0 if there was none.
        failures: one line each; empty if all went well.
        given_up: the most that was given up to hold the rate, in words; see `realtime.governor`.
    """

    frames: int
    captured: int
    dropped: int
    fps: float
    latency_ms: dict[str, float]
    stage_ms: dict[str, float]
    provider: str
    rows: int
    columns: int
    tile_size: int
    tile_set: str
    source: str
    size: Size
    sinks: tuple[str, ...]
    seconds: float
    rested_s: float
    startup_ms: float
    failures: tuple[str, ...]
    given_up: str = ""

    def to_json(self) -> str:
        """Return the statistics as one line of JSON, numbers to the third decimal."""
        return json.dumps(_rounded(asdict(self)))


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return value


class Tally:
    """Counts and clocks of a run.

    Attributes:
        taken: frames that were read from the source.
        shown: mosaics that at least one sink took.
        skipped: frames that were read and not shown.
        start_s: when the run began; like all moments, of `time.perf_counter()`.
        first_mosaic_s: when the first mosaic was ready, None before.
        first_shown_s: when the first mosaic had reached every sink, None before.
        last_shown_s: the same of the last mosaic.
        rested_s: for how long the source has rested.
        stages: what every stage costs.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.shown = 0
        self.skipped = 0
        self.start_s = time.perf_counter()
        self.first_mosaic_s: float | None = None
        self.first_shown_s: float | None = None
        self.last_shown_s: float | None = None
        self.rested_s = 0.0
        self._rested_before_s = 0.0
        self.stages = Stopwatch()
        self._latencies_s = Samples()
        self._recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)

    def count_mosaic(self) -> None:
        """Note that a mosaic is ready to be sent."""
        if self.first_mosaic_s is None:
            self.first_mosaic_s = time.perf_counter()

    def count_shown(self, captured_s: float) -> None:
        """Note that every sink has the mosaic of a frame captured at `captured_s`."""
        self.shown += 1
        self.last_shown_s = time.perf_counter()
        if self.first_shown_s is None:
            self.first_shown_s = self.last_shown_s
        self._rested_before_s = self.rested_s
        self._latencies_s.add(self.last_shown_s - captured_s)
        self._recent.append((self.last_shown_s, self.last_shown_s - captured_s))

    def count_rest(self, seconds: float) -> None:
        """Note that the source has rested, after the first mosaic."""
        self.rested_s += seconds

    def recent(self) -> tuple[float, float]:
        """Return mosaics a second and the mean latency in milliseconds, both of late."""
        if len(self._recent) < 2:
            return 0.0, 0.0
        fps = (len(self._recent) - 1) / max(self._recent[-1][0] - self._recent[0][0], 1e-6)
        return fps, 1000 * sum(late_s for _, late_s in self._recent) / len(self._recent)

    @property
    def fps(self) -> float:
        """Mosaics a second, from the first to the last but for rests; 0 for fewer than two."""
        if self.first_shown_s is None or self.last_shown_s is None or self.shown < 2:
            return 0.0
        passed_s = self.last_shown_s - self.first_shown_s - self._rested_before_s
        return (self.shown - 1) / passed_s

    def latency_ms(self) -> dict[str, float]:
        """Return the median and the 95th percentile of the latency."""
        return {f"p{p}": 1000 * self._latencies_s.percentile(p) for p in (50, 95)}
