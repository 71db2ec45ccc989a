"""Text and panels on pictures for windows: readable on anything, and cheap."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.arrays import Frame, Plane, Size

Colour = tuple[int, int, int]
"""Blue, green, red; 0..255."""

PAPER: Colour = (24, 22, 20)
TEXT: Colour = (240, 240, 240)
DIM: Colour = (165, 160, 155)
ACCENT: Colour = (80, 200, 255)
RED: Colour = (70, 70, 240)

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_HEIGHT = 30.0
"""Pixels from one line's top to its foot at scale 1, near enough in OpenCV 4 and 5."""
_SEE_THROUGH = 0.12
"""Share of the picture that shines through a panel."""


def text_width(text: str, height: float) -> int:
    """Return the width in pixels of a line of text that is `height` pixels high."""
    return int(cv2.getTextSize(text, _FONT, height / _HEIGHT, _thickness(height))[0][0])


def fitting(text: str, height: float, room: int) -> float:
    """Return how high, at most `height`, a line of text may be to fit into `room` pixels."""
    return height * min(1.0, room / max(1, text_width(text, height)))


def write(
    picture: Frame, text: str, place: tuple[int, int], height: float, colour: Colour = TEXT
) -> int:
    """Write a line of text.

    Args:
        picture: [H, W, 3] uint8 BGR, written on.
        text: ASCII; OpenCV 4 knows no other letters.
        place: (x, y) of the left end of its foot.
        height: of the line in pixels.
        colour: of the letters.

    Returns:
        The x at which it ends.
    """
    scale, thickness = height / _HEIGHT, _thickness(height)
    cv2.putText(picture, text, place, _FONT, scale, colour, thickness, cv2.LINE_AA)
    return place[0] + text_width(text, height)


def wrapped(text: str, width: int, height: float) -> list[str]:
    """Break a text into lines that are no wider than `width` pixels, `height` pixels high."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, height) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def panel(size: Size) -> Frame:
    """Return an empty panel (width, height) to write on and `lay`."""
    return np.full((size[1], size[0], 3), PAPER, np.uint8)


def lay(picture: Frame, made: Frame, place: tuple[int, int]) -> None:
    """Lay a panel on a picture, which shines through a little.

    Args:
        picture: [H, W, 3] uint8 BGR, changed.
        made: [h, w, 3] uint8 BGR; what reaches beyond the picture is left out.
        place: (x, y) of its top left corner, both 0 or more.
    """
    x, y = place
    below = picture[y : y + made.shape[0], x : x + made.shape[1]]
    above = made[: below.shape[0], : below.shape[1]]
    if below.size:
        below[:] = cv2.addWeighted(below, _SEE_THROUGH, above, 1.0, 0.0)


def disc(picture: Frame, centre: tuple[int, int], radius: float, colour: Colour) -> None:
    """Paint a disc with smooth edges."""
    shift = 4
    cv2.circle(
        picture,
        (centre[0] << shift, centre[1] << shift),
        round(radius * (1 << shift)),
        colour,
        cv2.FILLED,
        cv2.LINE_AA,
        shift,
    )


def to_bgr(picture: Plane | Frame) -> Frame:
    """Return a grey or colour picture as [H, W, 3] uint8 BGR."""
    if picture.ndim == 3:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)


def _thickness(height: float) -> int:
    return max(1, round(height / 22))
