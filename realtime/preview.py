"""How the window's picture differs from the mosaic that everybody else gets."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from realtime.arrays import Frame, Size

_GAP = 80
"""Two pictures side by side lie this part of their width apart."""


@dataclass(frozen=True)
class Shown:
    """A mosaic and what it was made from.

    Attributes:
        image: the frame, the right way round, [H, W, 3] uint8 BGR.
        mosaic: [h, w, 3] uint8 BGR.
        flipped: whether the mosaic is one of the frame as in a mirror.
        time_s: the frame's moment on the source's clock.
        tile_size: side of a tile in pixels.
        columns: tiles in a row.
    """

    image: Frame
    mosaic: Frame
    flipped: bool
    time_s: float
    tile_size: int
    columns: int

    @property
    def size(self) -> Size:
        """(width, height) of the mosaic."""
        return self.mosaic.shape[1], self.mosaic.shape[0]

    def upright(self) -> Frame:
        """Return the mosaic the right way round, as everybody but the window gets it."""
        return self._turned() if self.flipped else self.mosaic

    def preview(self, *, mirror: bool, compare: bool) -> Frame:
        """Return what the window shows.

        Args:
            mirror: as in a mirror, though with readable tiles.
            compare: the frame beside the mosaic.
        """
        mosaic = self.mosaic if mirror == self.flipped else self._turned()
        if not compare:
            return mosaic
        return beside(flipped(self.image) if mirror else self.image, mosaic)

    def _turned(self) -> Frame:
        return mirror_tiles(self.mosaic, self.tile_size, self.columns)


def flipped(image: Frame) -> Frame:
    """Return `image` as in a mirror."""
    return cv2.flip(image, 1).astype(np.uint8, copy=False)


def mirror_tiles(mosaic: Frame, tile_size: int, columns: int) -> Frame:
    """Reverse the order of the tiles in every row, each tile staying the right way round.

    Args:
        mosaic: [H, W, 3] uint8 BGR, with overshooting tiles cut evenly at both sides.
        tile_size: side of a tile in pixels.
        columns: tiles in a row, with the cut ones.

    Returns:
        [H, W, 3] uint8 BGR.
    """
    height, width = mosaic.shape[:2]
    cut = (columns * tile_size - width) // 2
    first = tile_size - cut if cut else 0
    whole = (width - first) // tile_size
    last = width - first - whole * tile_size
    middle = mosaic[:, first : width - last].reshape(height, whole, tile_size, 3)
    mirrored = np.empty_like(mosaic)
    mirrored[:, :last] = mosaic[:, width - last :]
    mirrored[:, last : width - first] = middle[:, ::-1].reshape(height, whole * tile_size, 3)
    mirrored[:, width - first :] = mosaic[:, :first]
    return mirrored


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
