"""The strip below the preview: figures, and a slider for the number of tiles."""

from __future__ import annotations

import math
import time

import cv2

from realtime import drawing
from realtime.arrays import Frame
from realtime.view import Status

COLUMNS = (8, 256)
"""What the slider goes over: below, hardly a mosaic; above, tiles of a few pixels."""
REFRESH_S = 0.4
"""Figures change no more often than this: nobody reads faster."""
HEIGHT = 30
_LETTER = 15.0
_GAP = 18
_SLIDER = 150
_HINT = "h: help"


class Strip:
    """Draws the strip, anew only where something in it has changed."""

    def __init__(self) -> None:
        self._figures: tuple[str, ...] = ()
        self._due_s = 0.0
        self._key: tuple[object, ...] = ()
        self._made = drawing.panel((1, 1))
        self._slider: tuple[int, int] | None = None

    def draw(self, status: Status, width: int, unit: float) -> Frame:
        """Return the strip, [round(HEIGHT * unit), width, 3] uint8 BGR.

        Args:
            status: what it tells.
            width: in pixels.
            unit: by how much everything is enlarged, for large screens.
        """
        now = time.perf_counter()
        if now >= self._due_s:
            self._figures, self._due_s = figures(status), now + REFRESH_S
        key = (self._figures, status.columns, status.recorded_s is None, width, unit)
        if key != self._key:
            self._made, self._key = self._draw(status, width, unit), key
        return self._made

    def has_slider_at(self, x: int) -> bool:
        """Return whether a click at `x` of the strip is meant for the slider."""
        reach = _GAP
        return self._slider is not None and (
            self._slider[0] - reach <= x <= self._slider[1] + reach
        )

    def columns_at(self, x: int) -> int:
        """Return what the slider says at `x` of the strip, beyond its ends what it says there."""
        left, right = self._slider or (0, 1)
        return columns_at((x - left) / (right - left))

    def _draw(self, status: Status, width: int, unit: float) -> Frame:
        strip = drawing.panel((width, round(HEIGHT * unit)))
        end = self._draw_slider(strip, status.columns, unit)
        letter, gap, foot = _LETTER * unit, round(_GAP * unit), _foot(strip, unit)
        x = gap
        if status.recorded_s is not None:
            drawing.disc(strip, (x, strip.shape[0] // 2), 6 * unit, drawing.RED)
            x += round(12 * unit)
        for text in self._figures:
            if x + drawing.text_width(text, letter) + gap > end:
                break
            x = drawing.write(strip, text, (x, foot), letter) + gap
        return strip

    def _draw_slider(self, strip: Frame, columns: int, unit: float) -> int:
        """Draw slider and hint at the right; return where the room for the figures ends."""
        letter, gap, foot = _LETTER * unit, round(_GAP * unit), _foot(strip, unit)
        width = int(strip.shape[1])
        hint = width - gap - drawing.text_width(_HINT, letter)
        right = hint - 2 * gap - drawing.text_width("+", letter)
        left = right - round(_SLIDER * unit)
        start = left - gap - drawing.text_width("-", letter)
        self._slider = (left, right) if start > width // 3 else None
        if self._slider is None:
            return width
        for text, x in ((_HINT, hint), ("+", right + gap // 2), ("-", start + gap // 2)):
            drawing.write(strip, text, (x, foot), letter, drawing.DIM)
        middle, thick = strip.shape[0] // 2, max(1, round(2 * unit))
        knob = left + round((right - left) * share_of(columns))
        cv2.line(strip, (knob, middle), (right, middle), drawing.DIM, thick)
        cv2.line(strip, (left, middle), (knob, middle), drawing.ACCENT, thick)
        drawing.disc(strip, (knob, middle), 6 * unit, drawing.ACCENT)
        return start


def figures(status: Status) -> tuple[str, ...]:
    """Return what the strip says, the most important first: on the right there may be no room."""
    texts = []
    if status.recorded_s is not None:
        minutes, seconds = divmod(int(status.recorded_s), 60)
        texts.append(f"REC {minutes}:{seconds:02}")
    if status.on_air:
        texts.append("on air")
    count = status.columns * status.rows
    return (
        *texts,
        f"{status.fps:.0f} fps",
        f"{status.latency_ms:.0f} ms",
        *((f"slow: {status.given_up}",) if status.given_up else ()),
        f"{status.columns} x {status.rows} = {count:,} tiles",
        f"{status.dropped} dropped",
        status.provider,
        f"{status.tile_set}, {status.colour}",
    )


def columns_at(share: float) -> int:
    """Return the columns at a share (0..1) of the slider, each step of which is a percentage."""
    low, high = COLUMNS
    return round(low * float((high / low) ** min(1.0, max(0.0, share))))


def share_of(columns: int) -> float:
    """Return where on the slider (0..1) a number of columns lies."""
    low, high = COLUMNS
    return min(1.0, max(0.0, math.log(columns / low) / math.log(high / low)))


def _foot(strip: Frame, unit: float) -> int:
    return round(int(strip.shape[0]) / 2 + _LETTER * unit * 0.36)
