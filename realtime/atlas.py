"""The atlas: tiles already decoded, kept under codes so that a tile is decoded once."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from realtime.arrays import Latents, Tiles
from realtime.codec import Codec
from realtime.tileset import TileSet

MOST_BYTES = 128 << 20  # of tiles; at 16 grey pixels a side that is half a million of them
MOST_CODES = 1 << 22
MOST_LATENTS = 6  # with more, too few levels a latent remain for the tiles to look alike
TONE_LEVELS = 96
STYLE_LEVELS = (16, 12, 10)  # finer ones look the same, and more tiles must be decoded
PLAIN_LEVELS = (128, 32, 24, *STYLE_LEVELS)  # where the tone is not a latent of its own

Codes = npt.NDArray[np.int32]


class Atlas:
    """Every latent cut to a few levels; a tile per combination, decoded when it is first wanted.

    Tiles are kept in the order they were first wanted in, so tiles seen together lie together and
    memory is used for those alone. When it is full, all are forgotten.
    """

    def __init__(self, codec: Codec, tile_size: int) -> None:
        """Reserve the atlas.

        Raises:
            ValueError: the tile set has too many latents for an atlas (see `fits`).
        """
        tile_set = codec.tile_set
        levels = choose_levels(tile_set)
        if levels is None:
            raise ValueError(f"{tile_set.name}: no atlas for {tile_set.latents} latents")
        self.codec, self.tile_size, self.levels = codec, tile_size, np.array(levels)
        self._low, self._high = _ranges(tile_set)
        self._scale = self.levels.astype(np.float32) / (self._high - self._low)
        self._top = self.levels.astype(np.float32) - np.float32(0.5)
        self._strides = np.cumprod([1, *levels[:0:-1]])[::-1].astype(np.int32)
        shape = (tile_size, tile_size) if tile_set.channels == 1 else (tile_size, tile_size, 3)
        room = min(math.prod(levels), max(1, MOST_BYTES // math.prod(shape)))
        self._tiles: Tiles = np.empty((room, *shape), np.uint8)
        self._slots = np.full(math.prod(levels), -1, np.int32)
        self._used = 0

    @staticmethod
    def fits(tile_set: TileSet) -> bool:
        """Whether an atlas of this tile set can be fine enough."""
        return choose_levels(tile_set) is not None

    @property
    def decoded(self) -> int:
        """How many tiles are kept."""
        return self._used

    def encode(self, latents: Latents) -> Codes:
        """[N, D] latents -> [N] codes of the nearest levels."""
        steps = (latents - self._low) * self._scale
        np.clip(steps, 0, self._top, out=steps)
        return np.asarray(steps.astype(np.int32) @ self._strides)

    def latents(self, codes: Codes) -> Latents:
        """[N] codes -> [N, D] latents in the middle of their levels."""
        steps = codes[:, None] // self._strides % self.levels
        share = (steps + 0.5) / self.levels
        return np.asarray(self._low + share * (self._high - self._low), np.float32)

    def gather(self, codes: Codes) -> Tiles:
        """[N] codes -> [N, T, T] or [N, T, T, 3] uint8 tiles, decoding what is not known yet."""
        slots = np.take(self._slots, codes)
        unknown = codes[slots < 0]
        if unknown.size:
            if not self._add(np.unique(unknown)):
                self._slots.fill(-1)
                self._used = 0
                if not self._add(np.unique(codes)):
                    return self.codec.decode(self.latents(codes), self.tile_size)
            slots = np.take(self._slots, codes)
        return np.take(self._tiles, slots, axis=0)

    def _add(self, codes: Codes) -> bool:
        """Decode these tiles; False if there is no room for them."""
        end = self._used + len(codes)
        if end > len(self._tiles):
            return False
        self._tiles[self._used : end] = self.codec.decode(self.latents(codes), self.tile_size)
        self._slots[codes] = np.arange(self._used, end)
        self._used = end
        return True


def choose_levels(tile_set: TileSet) -> tuple[int, ...] | None:
    """Levels for each latent, as fine as there is use for; None if that is too coarse."""
    if tile_set.colour or tile_set.latents > MOST_LATENTS:
        return None
    kind = (tile_set.kinds,) if tile_set.kinds else ()
    tone = (TONE_LEVELS, 2) if tile_set.tone else ()
    for style in STYLE_LEVELS if kind or tone else PLAIN_LEVELS:
        levels = (*kind, *(style,) * tile_set.styles, *tone)
        if math.prod(levels) <= MOST_CODES:
            return levels
    return None


def _ranges(tile_set: TileSet) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    low, high = np.zeros(tile_set.latents, np.float32), np.ones(tile_set.latents, np.float32)
    if tile_set.tone:
        low[-2], high[-2] = tile_set.tone_range
    return low, high
