"""Holds the rate: where the machine cannot keep up, less is done for a frame, in a fixed order."""

from __future__ import annotations

import statistics
import time
from collections import deque
from dataclasses import dataclass, replace

BUSY = 0.9  # share of the time between frames that work may take
IDLE = 0.5  # share below which the last thing that was given up is taken back
IDLE_FRAMES = 0.75  # the same where what comes back is frames: each takes as long as before
LOOKED_AT = 15  # frames that are judged together: half a second
PATIENCE_S = 5.0  # between a change and taking something back: a flicker would be worse
MOST_TIMES = 12  # up to which it doubles, each time that what was taken back was too much


@dataclass(frozen=True)
class Relief:
    """How much is given up.

    Attributes:
        what: in words, for people; empty for nothing.
        preview_every: where others watch too, the window shows every so many mosaics.
        tiles: share of the columns that were asked for.
        frames_every: one in so many frames becomes a mosaic.
    """

    what: str = ""
    preview_every: int = 1
    tiles: float = 1.0
    frames_every: float = 1.0

    @property
    def preview_only(self) -> bool:
        """Whether nothing but the preview is slower."""
        return self.preview_every > 1 and self.tiles == 1.0 and self.frames_every == 1.0

    @property
    def tiles_only(self) -> bool:
        """Whether it differs from the step before it in its tiles alone."""
        return self.tiles < 1.0 and self.frames_every == 1.0


RELIEFS = (
    Relief(),
    Relief("preview at half rate", 2),
    Relief("preview at a quarter of the rate", 4),
    Relief("fewer tiles", 4, 0.75),
    Relief("half the columns", 4, 0.5),
    Relief("two frames in three", 4, 0.5, 1.5),
    Relief("half the frames", 2, 0.5, 2.0),
)
"""What is given up, step by step; each step includes those before it, as far as it helps."""


class Governor:
    """Judges how long frames take, and says how much to give up.

    Args:
        fps: the rate to hold.
        limited: whether frames beyond it are left out.

    Attributes:
        lowest: the step furthest down that was needed.
    """

    def __init__(self, fps: float, *, limited: bool = False) -> None:
        self._interval_s = 1 / fps
        self._limited = limited
        self._step = 0
        self._tiles = True
        self._work_s: deque[float] = deque(maxlen=LOOKED_AT)
        self._changed_s = time.perf_counter()
        self._times = 1
        self._trying = False
        self._frames = 0
        self._due_s = 0.0
        self.lowest = 0

    @property
    def relief(self) -> Relief:
        """What is given up at present."""
        relief = RELIEFS[self._step]
        return relief if self._tiles else replace(relief, tiles=1.0)

    def wants(self, time_s: float) -> bool:
        """Return whether a frame of a live source, of that moment in seconds, is to be shown."""
        if not self._limited and self.relief.frames_every == 1.0:
            return True
        # A camera's frames come a little early or late: half an interval decides.
        interval_s = self._interval_s * self.relief.frames_every
        if time_s < self._due_s - interval_s / 2:
            return False
        self._due_s = max(self._due_s + interval_s, time_s + interval_s / 2)
        return True

    def shows_preview(self) -> bool:
        """Count a mosaic, and return whether the window is to show it."""
        self._frames += 1
        return self._frames % self.relief.preview_every == 0

    def note(self, work_s: float, *, preview: bool = True, tiles: bool = True) -> None:
        """Take note of how long it took to make a mosaic and to pass it on.

        Args:
            work_s: in seconds.
            preview: whether there is a preview that others do not depend on.
            tiles: whether fewer tiles are less work.
        """
        self._tiles = tiles
        self._work_s.append(work_s)
        if len(self._work_s) < LOOKED_AT:
            return
        # The median: a frame that decodes many new tiles, or opens a window, tells of no trend.
        share = statistics.median(self._work_s) / self._interval_s
        waited = time.perf_counter() - self._changed_s > self._times * PATIENCE_S
        if share > BUSY * self.relief.frames_every and self._step + 1 < len(RELIEFS):
            self._move(1, preview)
        elif share < self._idle and self._step > 0 and waited:
            self._move(-1, preview)

    @property
    def _idle(self) -> float:
        """The share of the time between frames below which the last step is taken back."""
        if RELIEFS[self._step].frames_every == 1.0:
            return IDLE
        return IDLE_FRAMES * RELIEFS[self._step - 1].frames_every

    def _move(self, by: int, preview: bool) -> None:
        now_s = time.perf_counter()
        if by > 0:
            failed = self._trying and now_s - self._changed_s < MOST_TIMES * PATIENCE_S
            self._times = min(MOST_TIMES, 2 * self._times) if failed else 1
        self._trying = by < 0
        self._step += by
        while self._is_no_help(RELIEFS[self._step], preview):
            self._step += by
        self.lowest = max(self.lowest, self._step)
        self._work_s.clear()
        self._changed_s = now_s

    def _is_no_help(self, relief: Relief, preview: bool) -> bool:
        return (relief.preview_only and not preview) or (relief.tiles_only and not self._tiles)
