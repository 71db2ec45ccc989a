"""Frames made as small as the regressor wants them: the first and largest part of the work."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.arrays import Frame, Picture, Plane, Size
from realtime.buffers import Buffer
from realtime.grid import Grid, coarsen, resize, shrink
from realtime.tileset import TileSet

MOST_STEPS = 8  # from the largest frames there are


class Reduction:
    """Reduces the frames of one grid for one tile set."""

    def __init__(self, grid: Grid, tile_set: TileSet) -> None:
        """Prepare; the frames' size is the one that the grid was fitted to."""
        self._grid = grid
        side = tile_set.patch_size
        self._target: Size = (grid.columns * side, grid.rows * side)
        self._grey = tile_set.patch_channels == 1
        self._buffers = [Buffer() for _ in range(MOST_STEPS)]

    def reduce(self, frame: Frame) -> Picture:
        """Reduce a frame to the pixels of the patches, [rows * P, columns * P, 3] uint8 BGR."""
        coarse = coarsen(self._grid.crop(frame), self._target, self._buffers)
        return resize(coarse, self._target)

    def seen(self, picture: Picture) -> Picture:
        """What the regressor sees of a reduced frame: its luminance, or all of it."""
        return luminance(picture) if self._grey else picture

    def glance(self, seen: Picture) -> Picture:
        """A reduced picture at two pixels a cell in each direction: noise averages out."""
        return shrink(seen, (2 * self._grid.columns, 2 * self._grid.rows))

    def means(self, seen: Picture) -> Picture:
        """The means of the cells, [rows, columns] uint8, or with 3 channels."""
        return shrink(seen, (self._grid.columns, self._grid.rows))


def luminance(picture: Picture) -> Plane:
    """[H, W, 3] uint8 BGR -> [H, W] uint8; a grey picture stays as it is."""
    if picture.ndim == 2:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
