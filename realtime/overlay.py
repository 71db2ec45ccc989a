"""What is drawn over the preview: figures with a slider, the keys, and short answers to them.

It is drawn on the window's own copy; virtual cameras and files never see it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2

from realtime import drawing
from realtime.arrays import Frame
from realtime.strip import HEIGHT, Strip
from realtime.view import View

_LINE = 24
_LETTER = 15.0
_GAP = 18
_HELP_COLUMNS = (0, 72, 232)
_HELP_WIDTH = 350


@dataclass(frozen=True)
class HelpLine:
    """A line of help: the keys, what they do, and how that is set now."""

    keys: str
    does: str
    now: str = ""


class Overlay:
    """Draws on the preview and hears the mouse there.

    Args:
        view: what to show, and where to leave what the slider was moved to.
        help_lines: gives the keys with their present settings.
    """

    def __init__(self, view: View, help_lines: Callable[[], Sequence[HelpLine]]) -> None:
        self._view = view
        self._help_lines = help_lines
        self._strip = Strip()
        self._strip_top = 0
        self._sliding = False
        self._help_made: tuple[object, Frame] = ((), drawing.panel((1, 1)))
        self._notice_made: tuple[object, Frame] = ((), drawing.panel((1, 1)))

    @property
    def margin(self) -> int:
        """How many pixels below the picture it would like to have for itself."""
        return HEIGHT if self._view.figures else 0

    def draw(self, canvas: Frame) -> None:
        """Draw over what the window is about to show.

        Args:
            canvas: [H, W, 3] uint8 BGR, exactly as large as the window's inside; changed.
        """
        if self._view.status is None:
            # Before the first mosaic there is nothing to tell, and fonts take time to load.
            return
        height, width = canvas.shape[:2]
        unit = max(1.0, height / 1000)
        bottom = self._draw_strip(canvas, unit)
        if self._view.help:
            gap = round(_GAP * unit)
            drawing.lay(canvas, self._help(bottom - 2 * gap, unit), (gap, gap))
        if line := self._view.notice:
            made = self._notice(line, width, unit)
            x = max(0, (width - made.shape[1]) // 2)
            drawing.lay(canvas, made, (x, max(0, bottom - made.shape[0] - round(_GAP * unit))))

    def mouse(self, event: int, x: int, y: int) -> None:
        """Hear the mouse.

        Args:
            event: one of `cv2.EVENT_...`.
            x: pixels from the left of the canvas.
            y: pixels from its top.
        """
        if event == cv2.EVENT_LBUTTONDOWN:
            on_strip = self._view.figures and y >= self._strip_top
            self._sliding = on_strip and self._strip.has_slider_at(x)
        if self._sliding and event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_MOUSEMOVE):
            self._view.slid_to = self._strip.columns_at(x)
        if event == cv2.EVENT_LBUTTONUP:
            self._sliding = False

    def _draw_strip(self, canvas: Frame, unit: float) -> int:
        """Draw the strip or what stands for it; return where the room above it ends."""
        height, width = canvas.shape[:2]
        status = self._view.status
        self._strip_top = height
        if status is not None and self._view.figures:
            strip = self._strip.draw(status, width, unit)
            self._strip_top = height - strip.shape[0]
            drawing.lay(canvas, strip, (0, self._strip_top))
        elif status is not None and status.recorded_s is not None:
            # Whoever hides the figures still wants to know that a recording runs.
            place = width - round(20 * unit), round(20 * unit)
            drawing.disc(canvas, place, 7 * unit, drawing.RED)
        return self._strip_top

    def _help(self, room: float, unit: float) -> Frame:
        """Return the panel of keys, made smaller where it would not fit into `room` pixels."""
        lines = tuple(self._help_lines())
        unit = min(unit, room / (_LINE * len(lines) + 2 * _GAP))
        if self._help_made[0] != (lines, unit):
            self._help_made = (lines, unit), _draw_help(lines, unit)
        return self._help_made[1]

    def _notice(self, line: str, room: int, unit: float) -> Frame:
        """Return the panel with a notice, made smaller where it would not fit into `room`."""
        if self._notice_made[0] != (line, room, unit):
            made = _draw_notice(line, unit)
            if made.shape[1] > room:
                made = _draw_notice(line, unit * room / made.shape[1])
            self._notice_made = (line, room, unit), made
        return self._notice_made[1]


def _draw_help(lines: Sequence[HelpLine], unit: float) -> Frame:
    gap, step = round(_GAP * unit), _LINE * unit
    made = drawing.panel((round(_HELP_WIDTH * unit), round(step * len(lines)) + 2 * gap))
    for number, line in enumerate(lines):
        foot = gap + round((number + 0.72) * step)
        texts = (line.keys, drawing.ACCENT), (line.does, drawing.TEXT), (line.now, drawing.DIM)
        for (text, colour), left in zip(texts, _HELP_COLUMNS, strict=True):
            drawing.write(made, text, (gap + round(left * unit), foot), _LETTER * unit, colour)
    return made


def _draw_notice(line: str, unit: float) -> Frame:
    letter, gap = 1.15 * _LETTER * unit, round(_GAP * unit)
    made = drawing.panel((drawing.text_width(line, letter) + 2 * gap, round(letter) + gap))
    drawing.write(made, line, (gap, round((made.shape[0] + 0.72 * letter) / 2)), letter)
    return made
