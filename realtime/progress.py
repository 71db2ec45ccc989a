"""A line that shows how far a file has been worked through, in a terminal only."""

from __future__ import annotations

import time
from typing import TextIO

from realtime.terminal import write

_EVERY_S = 0.2
_BAR = 24


class Progress:
    """One line, drawn over and over: a bar, the share that is done, the pace and the time left.

    Where the end is not known it shows what has been done so far.

    Args:
        out: a terminal; nothing is written to anything else.
        frames: how many mosaics there will be; None where unknown.
        seconds: how much of the clip there will be; None where unknown.
    """

    def __init__(
        self, out: TextIO, frames: int | None = None, seconds: float | None = None
    ) -> None:
        self._out = out
        self._frames = frames
        self._seconds = seconds
        self._on = out.isatty()
        self._start_s = time.perf_counter()
        self._drawn_s = self._start_s
        self._width = 0

    def show(self, frames: int, seconds: float) -> None:
        """Draw anew, a few times a second.

        Args:
            frames: mosaics that are done.
            seconds: of the clip that are done.
        """
        now = time.perf_counter()
        if not self._on or now - self._drawn_s < _EVERY_S:
            return
        self._drawn_s = now
        self._draw(self._line(frames, seconds, now - self._start_s))

    def clear(self) -> None:
        """Make room for another line, or for the shell."""
        if self._width:
            self._draw("")
            write(self._out, "\r")

    def _line(self, frames: int, seconds: float, passed_s: float) -> str:
        pace = frames / passed_s
        share = self._share(frames, seconds)
        if share is None:
            return f"{frames} frames, {_clock(seconds)}, {pace:.1f} fps"
        done = round(_BAR * share)
        left_s = passed_s * (1 - share) / share if share else 0.0
        bar = "#" * done + "-" * (_BAR - done)
        return f"[{bar}] {share:4.0%}  {pace:.1f} fps  {_clock(left_s)} left"

    def _share(self, frames: int, seconds: float) -> float | None:
        """Return how much is done, 0..1; whichever limit comes first counts."""
        shares = []
        if self._frames:
            shares.append(frames / self._frames)
        if self._seconds:
            shares.append(seconds / self._seconds)
        return min(1.0, max(shares)) if shares else None

    def _draw(self, line: str) -> None:
        # Spaces rather than a control sequence, which not every terminal of Windows knows.
        write(self._out, "\r" + line.ljust(self._width))
        self._width = len(line)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
