"""Shading: what is added to tiles whose tone rises or falls from edge to edge."""

from __future__ import annotations

import numpy as np

from realtime.arrays import Latents, Tiles
from realtime.buffers import Buffer

STEPS = 41  # slopes told apart in either direction: a step is a level at the edge of a tile
PIXELS_AT_ONCE = 1 << 19  # of tiles: more would leave the cache, fewer cost more calls
LARGEST_PAIRS = 24  # pixels along a tile up to which every pair of ramps is kept: 1 MB
LARGEST_TABLE = 64  # the same for every ramp: together 0.3 MB


def steepness(slopes: Latents) -> Latents:
    """How far slopes [2, n], to the right and downwards, are from level together: [n], new."""
    across, down = np.abs(slopes - 0.5)
    return np.asarray(np.add(across, down, out=across))


class Ramps:
    """Every ramp that a tile may be shaded with, of one size.

    Tiles are bytes and so is what is added to them: 250 stands for minus 6. No sum leaves the
    range of a byte, for the decoder leaves the room that the shading takes.
    """

    def __init__(self, shading: tuple[float, float], tile_size: int) -> None:
        """Make the ramps.

        Args:
            shading: how far it may lead from the mean tone; see `TileSet.shading`.
            tile_size: T, pixels along one side.
        """
        self._shading = shading
        self._away = (np.arange(tile_size) + 0.5) / tile_size - 0.5
        slopes = 4 * shading[1] * (np.arange(STEPS) / (STEPS - 1) - 0.5)
        lines = np.rint(255 * slopes[:, None] * self._away).astype(np.int8).view(np.uint8)
        self._tables: list[Tiles] = [lines[:, None, :], lines[:, :, None]]
        if tile_size <= LARGEST_PAIRS:
            pairs = lines[:, None, None, :] + lines[:, :, None]
            self._tables = [pairs.reshape(-1, tile_size, tile_size)]
        elif tile_size <= LARGEST_TABLE:
            whole = (STEPS, tile_size, tile_size)
            self._tables = [np.ascontiguousarray(np.broadcast_to(x, whole)) for x in self._tables]
        self._buffer = Buffer()

    def add(self, tiles: Tiles, slopes: Latents) -> None:
        """Shade tiles, in place.

        Args:
            tiles: [n, T, T] uint8.
            slopes: [2, n] latents, 0..1: to the right, and downwards.
        """
        steps = np.rint(slopes * (STEPS - 1)).astype(np.intp)
        if len(self._tables) == 1:
            steps = (steps[0] * STEPS + steps[1])[None]
        at_once = max(1, PIXELS_AT_ONCE // (tiles.shape[1] * tiles.shape[2]))
        for first in range(0, len(tiles), at_once):
            part = tiles[first : first + at_once]
            for table, numbers in zip(self._tables, steps, strict=True):
                ramps = self._buffer.take((len(part), *table.shape[1:]))
                chosen = numbers[first : first + at_once]
                # None is out of range; only said not to be checked, is `out` written directly.
                part += table.take(chosen, axis=0, out=ramps, mode="clip")

    def remove(self, tiles: Tiles, slopes: Latents, light: Latents) -> None:
        """Undo the shading of tiles that the decoder shaded to the right, in place.

        Args:
            tiles: [n, T, T] uint8.
            slopes: [n] latents, 0.5..1.
            light: [n] mean tones of the tiles, dark ink on light paper taken as its inverse.
        """
        share, most = self._shading
        wanted = 2 * most * (slopes - 0.5)
        reach = np.minimum(wanted, np.minimum(share * light, most))
        levels = np.rint(2 * 255 * reach[:, None] * self._away)[:, None, :]
        tiles[:] = np.clip(tiles - levels, 0, 255)
