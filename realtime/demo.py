"""A source for machines without a camera: a picture seen by a camera that pans and zooms."""

from __future__ import annotations

import math
import time
from pathlib import Path

import cv2
import numpy as np

from realtime.arrays import Frame, Size
from realtime.picture import read_picture
from realtime.sources import Source, SourceInfo, TimedFrame
from realtime.timing import sleep_until

PICTURE = Path(__file__).parent / "assets" / "demo.jpg"
SIZE = (1280, 720)
FPS = 30.0

_ZOOM_PERIOD_S = 17.0
_PAN_PERIOD_S = 11.0
_TILT_PERIOD_S = 23.0
_CLOSEST, _WIDEST = 0.62, 1.0
"""Share of the largest possible view that is seen."""
_HIGHEST, _LOWEST = 0.04, 0.26
"""Where the view moves up and down, as shares of the room there: mostly on the face."""
_FINER = 4
"""Times that the photograph is enlarged for frames larger than it: then the nearest pixel will do,
which is found in a third of the time that mixing four takes."""


class Demo(Source):
    """A moving view of a shipped photograph, at the pace and with the manners of a live camera.

    The picture depends on the frame's number alone, so two runs show the same film; which of its
    frames are seen depends on how fast they are read.

    Args:
        size: (width, height) of the frames; 1280x720 unless given.
        fps: frames a second; 30 unless given.
    """

    def __init__(self, size: Size | None = None, fps: float | None = None) -> None:
        self.info = SourceInfo("demo", size or SIZE, fps or FPS, live=True, frames=None)
        self._photograph, self._method = read_picture(PICTURE), cv2.INTER_LINEAR
        if max(self.info.size) > max(self._photograph.shape):
            self._photograph, self._method = _enlarged(self._photograph), cv2.INTER_NEAREST
        self.dropped = 0
        self._start_s: float | None = None
        self._number = -1
        self._closed = False

    def read(self) -> TimedFrame | None:
        """Wait until the next frame is due; frames whose time has passed are dropped."""
        if self._closed:
            return None
        now = time.perf_counter()
        if self._start_s is None:
            self._start_s = now
        number = max(self._number + 1, math.floor((now - self._start_s) * self.info.fps))
        self.dropped += number - self._number - 1
        self._number = number
        sleep_until(self._start_s + number / self.info.fps, lambda: self._closed)
        moment = time.perf_counter()
        return TimedFrame(self.frame(number), moment)

    def wake(self) -> None:
        """Go on where the film was."""
        if self._start_s is not None:
            self._start_s = time.perf_counter() - (self._number + 1) / self.info.fps

    def frame(self, number: int) -> Frame:
        """Return frame `number`, counted from 0, as [H, W, 3] uint8 BGR."""
        left, top, scale = self._view(number / self.info.fps)
        # Sampled at pixel centres, so that the view does not drift as it zooms.
        half = (scale - 1) / 2
        view = np.array([[scale, 0, left + half], [0, scale, top + half]], np.float64)
        flags = self._method | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(
            self._photograph, view, self.info.size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return image.astype(np.uint8, copy=False)

    def close(self) -> None:
        """End the film."""
        self._closed = True

    def _view(self, time_s: float) -> tuple[float, float, float]:
        """Return the view's left and top in the photograph and its pixels per frame pixel."""
        height, width = self._photograph.shape[:2]
        wide, high = self.info.size
        scale = min(width / wide, height / high)
        scale *= _between(_CLOSEST, _WIDEST, time_s / _ZOOM_PERIOD_S + 0.25)
        left = (width - wide * scale) * _between(0.1, 0.7, time_s / _PAN_PERIOD_S)
        top = (height - high * scale) * _between(_HIGHEST, _LOWEST, time_s / _TILT_PERIOD_S)
        return left, top, scale


def _enlarged(photograph: Frame) -> Frame:
    cubic = cv2.INTER_CUBIC
    larger = cv2.resize(photograph, None, fx=_FINER, fy=_FINER, interpolation=cubic)
    return larger.astype(np.uint8, copy=False)


def _between(low: float, high: float, turns: float) -> float:
    """Swing smoothly from `low` to `high` and back, once a turn."""
    return low + (high - low) * (0.5 - 0.5 * math.cos(2 * math.pi * turns))
