"""The atlas: tiles already decoded, kept under codes so that a tile is decoded once."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from realtime.arrays import Latents, Tiles
from realtime.codec import Codec
from realtime.tileset import TileSet

MOST_BYTES = 192 << 20
MOST_LATENTS = 6  # with more, too few levels a latent remain for the tiles to look alike
TONE_LEVELS = 96
STYLE_LEVELS = (24, 20, 16, 12, 10)

Codes = npt.NDArray[np.int64]


class Atlas:
    """Every latent cut to a few levels; a tile per combination, decoded when it is first wanted.

    Memory is reserved for all combinations but used for those that were seen.
    """

    def __init__(self, codec: Codec, tile_size: int) -> None:
        """Reserve the atlas.

        Raises:
            ValueError: the tile set has too many latents for an atlas (see `fits`).
        """
        tile_set = codec.tile_set
        levels = choose_levels(tile_set, tile_size)
        if levels is None:
            raise ValueError(f"{tile_set.name}: no atlas for {tile_set.latents} latents")
        self.codec, self.tile_size, self.levels = codec, tile_size, np.array(levels)
        self._low, self._high = _ranges(tile_set)
        self._strides = np.cumprod([1, *levels[:0:-1]])[::-1].copy()
        count = math.prod(levels)
        channels = () if tile_set.channels == 1 else (3,)
        self._tiles: Tiles = np.zeros((count, tile_size, tile_size, *channels), np.uint8)
        self._known = np.zeros(count, np.bool_)

    @staticmethod
    def fits(tile_set: TileSet, tile_size: int) -> bool:
        """Whether an atlas of this tile set stays fine enough within `MOST_BYTES`."""
        return choose_levels(tile_set, tile_size) is not None

    @property
    def decoded(self) -> int:
        """How many tiles were decoded so far."""
        return int(self._known.sum())

    def encode(self, latents: Latents) -> Codes:
        """[N, D] latents -> [N] codes of the nearest levels."""
        share = (latents - self._low) / (self._high - self._low)
        steps = np.clip(np.floor(share * self.levels), 0, self.levels - 1)
        return np.asarray(steps @ self._strides, np.int64)

    def latents(self, codes: Codes) -> Latents:
        """[N] codes -> [N, D] latents in the middle of their levels."""
        steps = codes[:, None] // self._strides % self.levels
        share = (steps + 0.5) / self.levels
        return np.asarray(self._low + share * (self._high - self._low), np.float32)

    def gather(self, codes: Codes) -> Tiles:
        """[N] codes -> [N, T, T] or [N, T, T, 3] uint8 tiles, decoding what is not known yet."""
        missing = codes[~self._known[codes]]
        if missing.size:
            fresh = np.unique(missing)
            self._tiles[fresh] = self.codec.decode(self.latents(fresh), self.tile_size)
            self._known[fresh] = True
        return np.take(self._tiles, codes, axis=0)


def choose_levels(tile_set: TileSet, tile_size: int) -> tuple[int, ...] | None:
    """Levels for each latent, as fine as memory allows; None if that is too coarse."""
    if tile_set.latents > MOST_LATENTS:
        return None
    tile_bytes = tile_size * tile_size * tile_set.channels
    kind = (tile_set.kinds,) if tile_set.kinds else ()
    tone = (TONE_LEVELS, 2) if tile_set.tone else ()
    for style in (128, *STYLE_LEVELS) if not (kind or tone) else STYLE_LEVELS:
        levels = (*kind, *(style,) * tile_set.styles, *tone)
        if math.prod(levels) * tile_bytes <= MOST_BYTES:
            return levels
    return None


def _ranges(tile_set: TileSet) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    low, high = np.zeros(tile_set.latents, np.float32), np.ones(tile_set.latents, np.float32)
    if tile_set.tone:
        low[-2], high[-2] = tile_set.tone_range
    return low, high
