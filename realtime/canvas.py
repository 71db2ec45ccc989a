"""The mosaic on show, on which tiles that change are laid."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.arrays import Frame, Tiles
from realtime.grid import Grid
from realtime.stability import Cells


class Canvas:
    """Keeps the mosaic between frames: a cell that does not change is not laid again."""

    def __init__(self, grid: Grid, channels: tuple[int, ...]) -> None:
        """Start black; `channels` is (3,) for coloured tiles and () for grey ones."""
        self._grid = grid
        height, width = grid.rows * grid.tile_size, grid.columns * grid.tile_size
        self._pixels = np.zeros((height, width, *channels), np.uint8)
        self._blocks = grid.blocks(self._pixels)

    def lay(self, tiles: Tiles, cells: Cells) -> None:
        """Lay tiles on cells.

        Args:
            tiles: [n, T, T], or [n, T, T, 3] BGR if the canvas has colour, uint8.
            cells: [n] their numbers, ascending.
        """
        blocks = self._blocks
        lines = tiles.reshape(-1).view(blocks.dtype)
        if len(cells) == self._grid.count:
            blocks[...] = lines.reshape(blocks.shape)
        else:
            rows, columns = np.divmod(cells, self._grid.columns)
            blocks[rows, columns] = lines.reshape(len(cells), blocks.shape[2])

    def picture(self) -> Frame:
        """The mosaic, [height, width, 3] uint8 BGR, a new array."""
        mosaic = self._grid.cut(self._pixels)
        if mosaic.ndim == 3:
            return np.array(mosaic)
        return np.asarray(cv2.cvtColor(mosaic, cv2.COLOR_GRAY2BGR), np.uint8)
