"""The mosaic on show, on which tiles that change are laid, and the forms it is handed out in."""

from __future__ import annotations

from abc import ABC, abstractmethod

import cv2
import numpy as np

from realtime import planes
from realtime.arrays import Frame, Plane, Tiles
from realtime.buffers import Recycled
from realtime.grid import Grid, centre
from realtime.stability import Cells


class Canvas(ABC):
    """Keeps the mosaic between frames: a cell that does not change is not laid again."""

    @abstractmethod
    def bgr(self) -> Frame:
        """The mosaic, [height, width, 3] uint8 BGR; nobody else holds or changes the array."""

    @abstractmethod
    def i420(self) -> Plane:
        """The mosaic as `planes.shape(size)` uint8; nobody else holds or changes the array."""


class Sheet:
    """Pixels that consist of tiles."""

    def __init__(self, grid: Grid, side: int, channels: tuple[int, ...] = ()) -> None:
        """Start black; `channels` is (3,) for coloured tiles and () for grey ones.

        Args:
            grid: of the tiles.
            side: pixels along one side of a tile.
            channels: see above.
        """
        self._grid = grid
        self.pixels = np.zeros((grid.rows * side, grid.columns * side, *channels), np.uint8)
        self._blocks = grid.blocks(self.pixels)
        self._rows, self._columns = np.divmod(np.arange(grid.count), grid.columns)

    def lay(self, tiles: Tiles, cells: Cells) -> None:
        """Lay tiles on cells.

        Args:
            tiles: [n, side, side] or [n, side, side, 3] uint8.
            cells: [n] their numbers.
        """
        blocks = self._blocks
        lines = tiles.reshape(-1).view(blocks.dtype)
        if len(cells) == self._grid.count:
            blocks[...] = lines.reshape(blocks.shape)
        else:
            blocks[self._rows.take(cells), self._columns.take(cells)] = lines.reshape(
                len(cells), blocks.shape[2]
            )


class SheetCanvas(Canvas):
    """A mosaic of grey or coloured tiles as they are."""

    def __init__(self, grid: Grid, channels: tuple[int, ...]) -> None:
        """Start black; `channels` as for `Sheet`."""
        self._grid = grid
        self._sheet = Sheet(grid, grid.tile_size, channels)
        self._recycled = Recycled()
        self.lay = self._sheet.lay

    def bgr(self) -> Frame:
        """See `Canvas.bgr`."""
        mosaic = self._grid.cut(self._sheet.pixels)
        picture = self._recycled.take((*mosaic.shape[:2], 3))
        if mosaic.ndim == 2:
            return np.asarray(cv2.cvtColor(mosaic, cv2.COLOR_GRAY2BGR, dst=picture), np.uint8)
        np.copyto(picture, mosaic)
        return picture

    def i420(self) -> Plane:
        """See `Canvas.i420`."""
        mosaic = self._grid.cut(self._sheet.pixels)
        out = self._recycled.take(planes.shape(self._grid.size))
        if mosaic.ndim == 2:
            return planes.from_grey(planes.padded(mosaic), out)
        return planes.from_bgr(mosaic, out)


class PlanesCanvas(Canvas):
    """A mosaic that consists of planes: for sinks that take those, less work."""

    def __init__(self, grid: Grid) -> None:
        """Start black; see `fits` for the grids it is for."""
        self._grid = grid
        half = grid.tile_size // 2
        self._light = Sheet(grid, grid.tile_size)
        self._colours = Sheet(grid, half), Sheet(grid, half)
        self._light.pixels.fill(planes.BLACK)
        for sheet in self._colours:
            sheet.pixels.fill(planes.GREY)
        self._recycled = Recycled()

    @staticmethod
    def fits(grid: Grid) -> bool:
        """Whether the colours of each tile have pixels of their own."""
        whole = grid.columns * grid.tile_size, grid.rows * grid.tile_size
        cuts = [length - kept for length, kept in zip(whole, grid.size, strict=True)]
        return not (
            grid.tile_size % 2 or any(kept % 2 for kept in grid.size) or any(c % 4 for c in cuts)
        )

    def lay(self, tiles: tuple[Tiles, ...], cells: Cells) -> None:
        """Lay tiles on cells.

        Args:
            tiles: Y [n, T, T], U and V [n, T / 2, T / 2] uint8; only Y where all tiles are grey.
            cells: [n] their numbers.
        """
        for sheet, plane in zip((self._light, *self._colours), tiles, strict=len(tiles) > 1):
            sheet.lay(plane, cells)

    def bgr(self) -> Frame:
        """See `Canvas.bgr`."""
        width, height = self._grid.size
        return planes.to_bgr(self.i420(), self._recycled.take((height, width, 3)))

    def i420(self) -> Plane:
        """See `Canvas.i420`."""
        out = self._recycled.take(planes.shape(self._grid.size))
        for sheet, plane in zip((self._light, *self._colours), planes.split(out), strict=True):
            np.copyto(plane, centre(sheet.pixels, *plane.shape[::-1]))
        return out
