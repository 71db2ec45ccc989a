"""How the window's picture differs from the mosaic that everybody else gets."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from realtime import planes
from realtime.arrays import Frame, Plane, Size
from realtime.filters import Mosaic

_GAP = 80
"""Two pictures side by side lie this part of their width apart."""


@dataclass(frozen=True)
class Shown:
    """A mosaic and what it was made from.

    Attributes:
        image: the frame, the right way round, [H, W, 3] uint8 BGR.
        mosaic: until the next one is made.
        flipped: whether the mosaic is one of the frame as in a mirror.
        time_s: the frame's moment on the source's clock.
    """

    image: Frame
    mosaic: Mosaic
    flipped: bool
    time_s: float

    @property
    def size(self) -> Size:
        """(width, height) of the mosaic."""
        return self.mosaic.size

    def upright(self) -> Mosaic:
        """Return the mosaic the right way round, as everybody but the window gets it."""
        return Turned(self.mosaic) if self.flipped else self.mosaic

    def preview(self, *, mirror: bool, compare: bool) -> Frame:
        """Return what the window shows, [h, w, 3] uint8 BGR.

        Args:
            mirror: as in a mirror, though with readable tiles.
            compare: the frame beside the mosaic.
        """
        mosaic = self.mosaic.bgr() if mirror == self.flipped else self.mosaic.mirrored()
        if not compare:
            return mosaic
        return beside(flipped(self.image) if mirror else self.image, mosaic)


class Turned:
    """A mosaic as in a mirror, its tiles the right way round."""

    def __init__(self, mosaic: Mosaic) -> None:
        self.size = mosaic.size
        self.bgr = mosaic.mirrored
        self.mirrored = mosaic.bgr

    def i420(self) -> Plane:
        """See `Mosaic.i420`."""
        return planes.from_bgr(self.bgr())


def flipped(image: Frame) -> Frame:
    """Return `image` as in a mirror."""
    return cv2.flip(image, 1).astype(np.uint8, copy=False)


def beside(image: Frame, mosaic: Frame) -> Frame:
    """Put the camera's picture beside its mosaic.

    Args:
        image: [H, W, 3] uint8 BGR, of which the mosaic shows as much as its aspect allows.
        mosaic: [h, w, 3] uint8 BGR.

    Returns:
        [h, 2 * w + gap, 3] uint8 BGR: the picture at the left, the mosaic at the right.
    """
    height, width = mosaic.shape[:2]
    seen = _as_seen(image, width / height)
    if seen.shape[:2] != (height, width):
        method = cv2.INTER_AREA if seen.shape[0] > height else cv2.INTER_LINEAR
        seen = np.asarray(cv2.resize(seen, (width, height), interpolation=method), np.uint8)
    gap = np.zeros((height, max(1, width // _GAP), 3), np.uint8)
    return np.asarray(cv2.hconcat([seen, gap, mosaic]), np.uint8)


def _as_seen(image: Frame, aspect: float) -> Frame:
    """Cut an image evenly to an aspect, as the grid does."""
    height, width = image.shape[:2]
    inner = min(width, round(height * aspect)), min(height, round(width / aspect))
    x, y = (width - inner[0]) // 2, (height - inner[1]) // 2
    return image[y : y + max(1, inner[1]), x : x + max(1, inner[0])]
