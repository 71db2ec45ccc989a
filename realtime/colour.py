"""Colour modes: how grey tiles become coloured ones.

mono    the tiles as they are: grey, or in their own colours where the tile set has some
tint    every tile in the colour of its cell; the mean of the tile is the mean of the cell
duo     two colours, `duo` or `duo:#1b2a49-#ffe9c9` (for the darkest and the lightest tone)
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from realtime import planes
from realtime.arrays import Tiles

MODES = ("mono", "tint", "duo")
PIXELS_AT_ONCE = 1 << 18  # more takes memory, fewer cost more calls
_DUO = re.compile(r"duo(?::#?([0-9a-f]{6})-#?([0-9a-f]{6}))?", re.IGNORECASE)
_DUO_DEFAULT = ("1b2a49", "ffe9c9")

Numbers = npt.NDArray[np.float32]
Colours = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint16]


def check(mode: str) -> str:
    """Return `mode` if it is one.

    Raises:
        ValueError: it is none.
    """
    if mode in ("mono", "tint") or _DUO.fullmatch(mode):
        return mode
    raise ValueError(f"colour: found {mode!r}, expected mono, tint, duo or duo:#RRGGBB-#RRGGBB")


def tint(tiles: Tiles, colours: Colours) -> Tiles:
    """Give each tile the mean colour of its cell, keeping as much contrast as that colour allows.

    Per tile and channel, `a * value + b` with the steepest `a` that keeps black and white in range
    while the tile's mean becomes the cell's: nothing is clipped, so the colour is exact.

    Args:
        tiles: [n, T, T] or [n, T, T, 3] uint8.
        colours: [n, 3] uint8 BGR, the mean of each cell.

    Returns:
        [n, T, T, 3] uint8 BGR.
    """
    count, side = tiles.shape[:2]
    channels = [tiles.reshape(count, -1)]
    if tiles.ndim == 4:
        separate = cv2.split(tiles.reshape(count * side, side, -1))
        channels = [np.asarray(plane, np.uint8).reshape(count, -1) for plane in separate]
    slope, offset = _fit(np.concatenate([_mean(plane) for plane in channels], axis=1), colours)
    tinted = np.empty((count, side * side, 3), np.uint8)
    for part in _parts(count, side):
        made = [
            _mapped(channels[at % len(channels)][part], slope[part, at], offset[part, at])
            for at in range(3)
        ]
        cv2.merge(made, dst=tinted[part])
    return tinted.reshape(count, side, side, 3)


def tint_planes(tiles: Tiles, colours: Colours) -> tuple[Tiles, Tiles, Tiles]:
    """Do what `tint` does, as planes: half the work, for colour has half the pixels.

    Args:
        tiles: [n, T, T] uint8, T even.
        colours: [n, 3] uint8 BGR, the mean of each cell.

    Returns:
        Y [n, T, T], U and V [n, T / 2, T / 2] uint8, see `realtime.planes`.
    """
    count, side = tiles.shape[:2]
    values = tiles.reshape(count, -1)
    small = cv2.resize(
        tiles.reshape(-1, side), (side // 2, count * side // 2), interpolation=cv2.INTER_AREA
    )
    halves = np.asarray(small, np.uint8).reshape(count, -1)
    slope, offset = (x.astype(np.float32) for x in _fit(_mean(values), colours))
    base = 256 * np.array([planes.BLACK, planes.GREY, planes.GREY], np.float32)
    # U and V may fall as the tile gets lighter. Words wrap round, so negative slopes come right.
    slopes = np.rint(slope @ planes.FROM_BGR.T).astype(np.int32).astype(np.uint16)
    offsets = np.rint(offset @ planes.FROM_BGR.T + base + 128).astype(np.int32).astype(np.uint16)
    light, blue, red = (np.empty_like(x) for x in (values, halves, halves))
    for part in _parts(count, side):
        for at, (grey, made) in enumerate(((values, light), (halves, blue), (halves, red))):
            _mapped(grey[part], slopes[part, at], offsets[part, at], made[part])
    half = (count, side // 2, side // 2)
    return light.reshape(tiles.shape), blue.reshape(half), red.reshape(half)


def _parts(count: int, side: int) -> Iterator[slice]:
    """Parts of so many tiles that what is worked on stays in the cache."""
    step = max(1, PIXELS_AT_ONCE // (side * side))
    return (slice(first, first + step) for first in range(0, count, step))


def _mapped(
    values: Tiles, slope: Words, offset: Words, out: Tiles | None = None
) -> npt.NDArray[np.uint8]:
    """`slope` [n] * values [n, m] + `offset` [n], both in parts of 256, as uint8."""
    words = np.multiply(values, slope[:, None], dtype=np.uint16)
    words += offset[:, None]
    high = np.empty_like(values) if out is None else out
    return np.right_shift(words, 8, out=high, casting="unsafe")


def _mean(plane: npt.NDArray[np.uint8]) -> Numbers:
    total = np.asarray(cv2.reduce(plane, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F), np.float32)
    total /= plane.shape[1]
    return total


def _fit(means: Numbers, colours: Colours) -> tuple[Words, Words]:
    """Slope [n, 3] and offset [n, 3] in parts of 256 that make means [n, 1 or 3] the colours."""
    wanted = colours.astype(np.float32)
    slope = np.minimum(wanted / np.maximum(means, 1), (255 - wanted) / np.maximum(255 - means, 1))
    slope = np.rint(256 * np.minimum(slope, 1))
    offset = np.rint(256 * wanted + 128 - slope * means)
    offset = np.minimum(np.maximum(offset, 0), 65535 - 255 * slope)
    return slope.astype(np.uint16), offset.astype(np.uint16)


def duo(tiles: Tiles, mode: str) -> Tiles:
    """Give tiles [n, T, T] or [n, T, T, 3] uint8 the two colours of a mode, [n, T, T, 3] uint8."""
    table, lines = duo_table(mode), tiles.reshape(-1, *tiles.shape[2:])
    if tiles.ndim == 4:
        coloured = cv2.LUT(lines, table)
    else:
        coloured = cv2.merge([cv2.LUT(lines, column) for column in cv2.split(table)])
    return np.asarray(coloured, np.uint8).reshape(*tiles.shape[:3], 3)


@functools.lru_cache(maxsize=1)
def duo_table(mode: str) -> npt.NDArray[np.uint8]:
    """The look-up table [256, 1, 3] uint8 BGR of a two-colour mode."""
    match = _DUO.fullmatch(mode)
    texts = match.groups() if match and match.group(1) else _DUO_DEFAULT
    ends = [np.array([int(text[i : i + 2], 16) for i in (4, 2, 0)], np.float32) for text in texts]
    share = np.linspace(0, 1, 256, dtype=np.float32)[:, None, None]
    return np.rint(ends[0] + share * (ends[1] - ends[0])).astype(np.uint8)
