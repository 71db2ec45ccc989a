"""The atlas: tiles already decoded, kept under codes so that a tile is decoded once."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from realtime.arrays import Latents, Tiles
from realtime.buffers import Buffer
from realtime.codec import Codec
from realtime.shading import Ramps, steepness
from realtime.stand_ins import Neighbours
from realtime.tileset import TileSet

MOST_BYTES = 128 << 20  # of tiles; at 16 grey pixels a side that is half a million of them
MOST_CODES = 1 << 23  # below 2^24, see `Atlas.encode`
MOST_SHAPE_LATENTS = 4  # with more, too few levels of each remain for tiles to look alike
TONE_LEVELS = 96
STYLE_LEVELS = (16, 12, 10)  # finer ones look the same, and more tiles must be decoded
LARGE = 24  # pixels along a tile from which on they do not, and there are fewer tiles
LARGE_STYLE_LEVELS = (24, *STYLE_LEVELS)
PLAIN_LEVELS = (128, 32, *LARGE_STYLE_LEVELS)  # where the tone is not a latent of its own
REACH_LEVELS = 7  # of room that tiles leave for shading, none among them
ENOUGH = 64  # tiles to decode at a time: the first alone takes as long as the others together

Codes = npt.NDArray[np.intp]
Slots = npt.NDArray[np.int32]


class Atlas:
    """Every latent cut to a few levels; a tile per combination, decoded when it is first wanted.

    Tiles are kept unshaded, at a few levels of the room that they leave for shading, and shaded
    as they are handed out. They are kept in the order they were first wanted in, so tiles seen
    together lie together and memory is used for those alone. When it is full, all are forgotten.
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
        self._slopes = tile_set.slopes
        self._ramps = Ramps(tile_set.shading, tile_size) if tile_set.shading else None
        low, high = _ranges(tile_set)
        self._low = low[:, None]
        self._step = ((high - low) / self.levels.astype(np.float32))[:, None]
        self._scale = 1 / self._step
        self._buffer = Buffer()
        self._top = self.levels.astype(np.float32)[:, None] - np.float32(0.5)
        self._strides = np.cumprod([1, *levels[:0:-1]])[::-1].astype(np.int32)
        self._float_strides = self._strides.astype(np.float32)
        shape = (tile_size, tile_size) if tile_set.channels == 1 else (tile_size, tile_size, 3)
        room = min(math.prod(levels), max(1, MOST_BYTES // math.prod(shape)))
        self._tiles: Tiles = np.empty((room, *shape), np.uint8)
        # One more than the place of a code's tile; untouched zeros take no memory.
        self._slots = np.zeros(math.prod(levels), np.int32)
        self._used = 0
        self._touched = 0
        end = tile_set.shape_latents
        styles = slice(end - tile_set.styles, end)
        self._neighbours = Neighbours(self.levels[styles], self._strides[styles])
        self._wanted: list[Codes] = []

    @staticmethod
    def fits(tile_set: TileSet) -> bool:
        """Whether an atlas of this tile set can be fine enough."""
        return choose_levels(tile_set, 1) is not None

    @property
    def decoded(self) -> int:
        """How many tiles are kept."""
        return self._used

    @property
    def nbytes(self) -> int:
        """Bytes that tiles take. Forgotten ones take theirs on, and give it to those that come."""
        return self._touched * int(self._tiles[0].nbytes)

    def decode(self, latents: Latents, *, patient: bool = False) -> Tiles:
        """[N, D] latents -> [N, T, T] or [N, T, T, 3] uint8 tiles of the nearest levels.

        They are good until the next call.

        Args:
            latents: as above.
            patient: a few tiles that are not decoded yet may wait until there are `ENOUGH`, with
                others of nearly the same style in their place.
        """
        tiles = self._gather(self.encode(latents), patient)
        if self._ramps is not None:
            self._ramps.add(tiles, latents.T[self._slopes])
        return tiles

    def encode(self, latents: Latents) -> Codes:
        """[N, D] latents -> [N] codes of the nearest levels."""
        steps = (self._keys(latents.T) - self._low) * self._scale
        np.maximum(steps, 0, out=steps)
        np.minimum(steps, self._top, out=steps)
        np.floor(steps, out=steps)
        # Whole numbers below 2^24 are exact as floats, whose products are many times as quick.
        return np.asarray((self._float_strides @ steps).astype(np.intp))

    def _gather(self, codes: Codes, patient: bool) -> Tiles:
        """[N] codes -> [N, T, T] or [N, T, T, 3] unshaded tiles, decoding what is not known yet."""
        slots = self._slots.take(codes)
        places = np.flatnonzero(slots == 0)
        if places.size:
            self._wanted.append(codes[places])
            if not (patient and self._stand_in(slots, places, codes)):
                if not self._add_wanted(codes):
                    return self._decode(codes)
                slots = self._slots.take(codes)
        tiles = self._buffer.take((len(codes), *self._tiles.shape[1:]))
        # No slot is out of range; only said not to be checked, is `out` written directly.
        return self._tiles.take(slots - 1, axis=0, out=tiles, mode="clip")

    def _stand_in(self, slots: Slots, places: Codes, codes: Codes) -> bool:
        """Fill in slots of others; False where there are none, or enough to decode."""
        if sum(map(len, self._wanted)) >= ENOUGH:
            return False
        found = self._slots.take(self._neighbours.of(codes[places]))
        nearest = found[np.arange(len(places)), (found > 0).argmax(axis=1)]
        slots[places] = nearest
        return bool(nearest.all())

    def _add_wanted(self, codes: Codes) -> bool:
        """Decode what is wanted; False if there is no room even for these codes alone."""
        wanted, self._wanted = np.unique(np.concatenate(self._wanted)), []
        if self._add(wanted):
            return True
        self._slots.fill(0)
        self._used = 0
        return self._add(np.unique(codes))

    def _keys(self, rows: Latents) -> Latents:
        """What tiles are kept by: latents [D, N], but for slopes the room that they need."""
        if self._ramps is None:
            return rows
        reach = steepness(rows[self._slopes])
        # What needs any room gets the least that is enough, and what needs none gets none.
        # Finer steps where there is little, as in most cells: what is left unused costs contrast.
        reach *= 2 * (REACH_LEVELS - 1) ** 2
        np.sqrt(reach, out=reach)
        reach -= 0.01
        np.ceil(reach, out=reach)
        return np.concatenate([rows[: self._slopes.start], rows[self._slopes.stop :], reach[None]])

    def _add(self, codes: Codes) -> bool:
        """Decode these tiles; False if there is no room for them."""
        end = self._used + len(codes)
        if end > len(self._tiles):
            return False
        self._tiles[self._used : end] = self._decode(codes)
        self._slots[codes] = np.arange(self._used + 1, end + 1)
        self._used = end
        self._touched = max(self._touched, end)
        return True

    def _decode(self, codes: Codes) -> Tiles:
        """[N] codes -> [N, T, T] or [N, T, T, 3] unshaded tiles."""
        steps = (codes[:, None] // self._strides % self.levels).T
        keys = np.asarray(self._low + (steps + np.float32(0.5)) * self._step, np.float32)
        if self._ramps is None:
            return self.codec.decode(keys.T, self.tile_size)
        return self._unshaded(keys, self._ramps)

    def _unshaded(self, keys: Latents, ramps: Ramps) -> Tiles:
        """Tiles [N, T, T] of keys: shaded ones, for they leave room, with the shading undone."""
        start = self._slopes.start
        slopes = np.full((2, keys.shape[1]), 0.5, np.float32)
        slopes[0] += np.square(keys[-1] / np.float32(REACH_LEVELS - 1)) / 2
        latents = np.concatenate([keys[:start], slopes, keys[start:-1]]).T
        tiles = self.codec.decode(np.ascontiguousarray(latents), self.tile_size)
        light = np.abs(latents[:, -1] - latents[:, -2])
        ramps.remove(tiles, slopes[0], light)
        return tiles


def choose_levels(tile_set: TileSet, tile_size: int) -> tuple[int, ...] | None:
    """Levels for each latent, as fine as there is use for; None if that is too coarse."""
    if tile_set.colour or tile_set.shape_latents > MOST_SHAPE_LATENTS:
        return None
    kind = (tile_set.kinds,) if tile_set.kinds else ()
    tone = (TONE_LEVELS, 2) if tile_set.tone else ()
    reach = (REACH_LEVELS,) if tile_set.shading else ()
    styles = LARGE_STYLE_LEVELS if tile_size >= LARGE else STYLE_LEVELS
    for style in styles if kind or tone else PLAIN_LEVELS:
        levels = (*kind, *(style,) * tile_set.styles, *tone, *reach)
        if math.prod(levels) <= MOST_CODES:
            return levels
    return None


def _ranges(tile_set: TileSet) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What the keys of tiles range over, from the lower edge of the first level on."""
    ranges = [(0.0, 1.0)] * tile_set.shape_latents
    if tile_set.tone:
        ranges += [tile_set.tone_range, (-0.5, 1.5)]  # polarity is 0 or 1
    if tile_set.shading:
        ranges.append((-0.5, REACH_LEVELS - 0.5))
    low, high = np.array(ranges, np.float32).T
    return low, high
