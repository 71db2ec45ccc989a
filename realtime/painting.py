"""Tiles get their colours and their places: the last step of the filter."""

from __future__ import annotations

from realtime import colour as colours
from realtime.arrays import Frame, Picture, Plane, Tiles
from realtime.canvas import PlanesCanvas, SheetCanvas
from realtime.grid import Grid
from realtime.planes import light_of
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
        grey = channels == 1
        self._canvas: PlanesCanvas | SheetCanvas
        if planes and mode in ("mono", "tint") and grey and PlanesCanvas.fits(grid):
            self._canvas = PlanesCanvas(grid)
        else:
            self._canvas = SheetCanvas(grid, () if mode == "mono" and grey else (3,))

    def lay(self, tiles: Tiles, cells: Cells, means: Picture | None = None) -> None:
        """Colour tiles and lay them on their cells.

        Args:
            tiles: [n, T, T] uint8, or [n, T, T, 3] uint8 BGR.
            cells: [n] their numbers.
            means: [rows, columns, 3] uint8 BGR, what the frame's cells are like on average; for
                `tint`.
        """
        canvas = self._canvas
        if isinstance(canvas, PlanesCanvas):
            canvas.lay(self._planes(tiles, cells, means), cells)
        elif self._mode == "tint":
            canvas.lay(colours.tint(tiles, _chosen(means, cells)), cells)
        else:
            canvas.lay(tiles if self._mode == "mono" else colours.duo(tiles, self._mode), cells)

    def _planes(self, tiles: Tiles, cells: Cells, means: Picture | None) -> tuple[Tiles, ...]:
        if self._mode == "tint":
            return colours.tint_planes(tiles, _chosen(means, cells))
        return (light_of(tiles),)

    def bgr(self) -> Frame:
        """The mosaic, [height, width, 3] uint8 BGR, a new array."""
        return self._canvas.bgr()

    def i420(self) -> Plane:
        """The mosaic as the planes of `realtime.planes`, a new array."""
        return self._canvas.i420()


def _chosen(means: Picture | None, cells: Cells) -> colours.Colours:
    """The means [n, 3] of these cells."""
    assert means is not None
    return means.reshape(-1, 3).take(cells, axis=0)
