"""Tiles get their colours and their places: the last step of the filter."""

from __future__ import annotations

import numpy as np

from realtime import colour as colours
from realtime.arrays import Frame, Picture, Plane, Tiles
from realtime.canvas import ColourCanvas, GreyCanvas, PlanesCanvas
from realtime.grid import Grid
from realtime.stability import Cells


class Painting:
    """The mosaic that is on show, in one colour mode."""

    def __init__(self, grid: Grid, mode: str, channels: int, *, planes: bool = False) -> None:
        """Start with nothing.

        Args:
            grid: of the tiles.
            mode: see `realtime.colour`.
            channels: of the tiles to come: 1 or 3.
            planes: the mosaic is wanted as planes rather than BGR.
        """
        self._mode = mode
        as_planes = planes and mode == "tint" and channels == 1 and PlanesCanvas.fits(grid)
        self._planes = PlanesCanvas(grid) if as_planes else None
        grey = mode == "mono" and channels == 1
        self._canvas = GreyCanvas(grid) if grey else ColourCanvas(grid)

    def lay(self, tiles: Tiles, cells: Cells, means: Picture | None = None) -> None:
        """Colour tiles and lay them on their cells.

        Args:
            tiles: [n, T, T] uint8, or [n, T, T, 3] uint8 BGR.
            cells: [n] their numbers.
            means: [rows, columns, 3] uint8 BGR, what the frame's cells are like on average; for
                `tint`.
        """
        if self._mode != "tint":
            coloured = tiles if self._mode == "mono" else colours.duo(tiles, self._mode)
            return self._canvas.lay(coloured, cells)
        assert means is not None
        wanted = np.take(means.reshape(-1, 3), cells, axis=0)
        if self._planes is not None:
            return self._planes.lay(colours.tint_planes(tiles, wanted), cells)
        return self._canvas.lay(colours.tint(tiles, wanted), cells)

    def bgr(self) -> Frame:
        """The mosaic, [height, width, 3] uint8 BGR, a new array."""
        return (self._planes or self._canvas).bgr()

    def i420(self) -> Plane:
        """The mosaic as the planes of `realtime.planes`, a new array."""
        return (self._planes or self._canvas).i420()
