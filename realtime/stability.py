"""Hysteresis: a tile changes when its cell really did, then at once; the rest is no work."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Latents, Picture
from realtime.grid import Grid
from realtime.tileset import TileSet

TONE_TOLERANCE = 0.03  # at stability 1; camera noise averaged over a cell is about 0.002
STYLE_TOLERANCE = 0.4
LATENT_TOLERANCE = 0.1  # for tile sets without a tone latent

Cells = npt.NDArray[np.intp]
"""[n] numbers of cells, ascending."""


class Stabiliser:
    """Holds each cell's latents until the cell, then the latents, move by more than noise does.

    There is no smoothing, so nothing trails: a cell that changes takes its new tile in the same
    frame, and a scene cut changes all of them.
    """

    def __init__(self, tile_set: TileSet) -> None:
        """Start with nothing held."""
        self._tolerance = tolerances(tile_set)
        self.reset()

    def reset(self) -> None:
        """Forget the past frames."""
        self.held: Latents | None = None
        self._seen: Picture | None = None

    def look_anew(self) -> None:
        """Let every cell of the next frame be encoded, as when a setting changed."""
        self._seen = None

    def stirred(self, glance: Picture, grid: Grid, stability: float) -> Cells:
        """Find the cells that differ from when they were last encoded.

        Args:
            glance: [rows * p, columns * p] uint8, or the same with 3 channels: the new frame, so
                coarse that noise averages out. On average over a cell, pixels may differ by
                `TONE_TOLERANCE`.
            grid: of the cells.
            stability: 0..1; at 0 all cells count as stirred.
        """
        seen = self._seen
        if seen is None or seen.shape != glance.shape or stability <= 0:
            self._seen = glance.copy()
            return np.arange(grid.count)
        size = (grid.columns, grid.rows)
        moved = cv2.resize(cv2.absdiff(glance, seen), size, interpolation=cv2.INTER_AREA)
        # The maximum along an axis of three takes twenty times as long as two maxima.
        most = functools.reduce(np.maximum, moved.T).T if moved.ndim == 3 else moved
        # Levels are whole numbers, which are compared with another in a tenth of the time.
        stirred = most > int(stability * TONE_TOLERANCE * 255)
        mask = cv2.resize(
            stirred.view(np.uint8), glance.shape[1::-1], interpolation=cv2.INTER_NEAREST
        )
        cv2.copyTo(glance, mask, seen)
        return np.flatnonzero(stirred)

    def latents(self, cells: Cells) -> Latents | None:
        """The latents [n, D] that these cells hold; None before the first frame."""
        if self.held is None or len(cells) == len(self.held):
            return self.held
        return np.asarray(self.held.T.take(cells, axis=1).T)

    def keep(
        self, cells: Cells, latents: Latents, held: Latents | None, stability: float
    ) -> tuple[Cells, Latents]:
        """Hold new latents where they moved far enough.

        Args:
            cells: [n] those that were encoded; all of them in the first frame.
            latents: [n, D] of those cells.
            held: [n, D] what they hold so far, as `latents` tells.
            stability: 0..1; 0 keeps nothing.

        Returns:
            those of the `cells` whose tiles change, and the latents that they hold now.
        """
        if self.held is None or held is None or stability <= 0:
            self.held = latents.copy(order="F")
            return cells, self.held
        way = latents.T - held.T
        moved = np.abs(way, out=way) > stability * self._tolerance[:, None]
        places = np.flatnonzero(moved.any(axis=0))
        changed, kept = cells[places], latents.T.take(places, axis=1)
        # One latent after the other, for assigning to all at once takes longer.
        for row, new in zip(self.held.T, kept, strict=True):
            row[changed] = new
        return changed, kept.T


def tolerances(tile_set: TileSet) -> npt.NDArray[np.float32]:
    """How far each latent may move before the tile changes, at stability 1: [D]."""
    if not (tile_set.tone or tile_set.colour):
        return np.full(tile_set.latents, LATENT_TOLERANCE, np.float32)
    tolerance = np.full(tile_set.latents, STYLE_TOLERANCE, np.float32)
    tolerance[tile_set.shape_latents :] = TONE_TOLERANCE
    if tile_set.shading:
        # As far as it takes a corner of the tile to change as much.
        tolerance[tile_set.slopes] = TONE_TOLERANCE / (2 * tile_set.shading[1])
    if tile_set.kinds:
        tolerance[0] = 0.5 / tile_set.kinds  # less than the way from one kind to the next
    return tolerance
