"""Colour modes: how grey tiles become coloured ones.

mono    the tiles as they are: grey, or in their own colours where the tile set has some
tint    every tile in the colour of its cell; the mean of the tile is the mean of the cell
duo     two colours, `duo` or `duo:#1b2a49-#ffe9c9` (for the darkest and the lightest tone)
"""

from __future__ import annotations

import functools
import re

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Picture, Tiles

MODES = ("mono", "tint", "duo")
PIXELS_AT_ONCE = 1 << 16  # what is worked on stays in the cache
_DUO = re.compile(r"duo(?::#?([0-9a-f]{6})-#?([0-9a-f]{6}))?", re.IGNORECASE)
_DUO_DEFAULT = ("1b2a49", "ffe9c9")

Numbers = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint16]


def check(mode: str) -> str:
    """Return `mode` if it is one.

    Raises:
        ValueError: it is none.
    """
    if mode in ("mono", "tint") or _DUO.fullmatch(mode):
        return mode
    raise ValueError(f"colour: found {mode!r}, expected mono, tint, duo or duo:#RRGGBB-#RRGGBB")


def paint(tiles: Tiles, mode: str, cells: Picture) -> Tiles:
    """Give tiles their colours.

    Args:
        tiles: [n, T, T] or [n, T, T, 3] uint8 BGR.
        mode: see the module.
        cells: [n, p, p, 3] uint8 BGR for `tint`, small pictures of what the tiles stand for.

    Returns:
        [n, T, T, 3] uint8 BGR, or `tiles` themselves where they stay as they are.
    """
    if mode == "tint":
        count, side = cells.shape[:2]
        flat = cells.reshape(count, side * side, 3)
        total = cv2.reduce(flat, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).reshape(count, 3)
        return tint(tiles, np.asarray(total / np.float32(side * side), np.float32))
    if mode == "mono":
        return tiles
    return duo(tiles, mode)


def tint(tiles: Tiles, colours: Numbers) -> Tiles:
    """Give each tile the mean colour of its cell, keeping as much contrast as that colour allows.

    Per tile and channel, `a * value + b` with the steepest `a` that keeps black and white in range
    while the tile's mean becomes the cell's: nothing is clipped, so the colour is exact.

    Args:
        tiles: [n, T, T] or [n, T, T, 3] uint8.
        colours: [n, 3] float32 BGR, 0..255, the mean of each cell.

    Returns:
        [n, T, T, 3] uint8 BGR.
    """
    count, side = tiles.shape[:2]
    lines = tiles.reshape(count * side, side, -1)
    planes = [np.asarray(plane, np.uint8).reshape(count, -1) for plane in cv2.split(lines)]
    slope, offset = _fit(np.concatenate([_mean(plane) for plane in planes], axis=1), colours)
    tinted = np.empty((count, side * side, 3), np.uint8)
    step = max(1, PIXELS_AT_ONCE // (side * side))
    words = np.empty((min(step, count), side * side), np.uint16)
    for first in range(0, count, step):
        part = slice(first, first + step)
        value = words[: len(tinted[part])]
        channels = []
        for channel in range(3):
            plane = planes[channel % len(planes)][part]
            np.multiply(plane, slope[part, channel, None], out=value, dtype=np.uint16)
            value += offset[part, channel, None]
            high = np.empty(value.shape, np.uint8)
            channels.append(np.right_shift(value, 8, out=high, casting="unsafe"))
        cv2.merge(channels, dst=tinted[part])
    return tinted.reshape(count, side, side, 3)


def _mean(plane: npt.NDArray[np.uint8]) -> Numbers:
    total = cv2.reduce(plane, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    return np.asarray(total / np.float32(plane.shape[1]), np.float32)


def _fit(means: Numbers, colours: Numbers) -> tuple[Words, Words]:
    """Slope [n, 3] and offset [n, 3] in parts of 256 that make means [n, 1 or 3] the colours."""
    slope = np.minimum(colours / np.maximum(means, 1), (255 - colours) / np.maximum(255 - means, 1))
    slope = np.rint(256 * slope.clip(0, 1))
    offset = np.rint(256 * colours + 128 - slope * means).clip(0, 65535 - 255 * slope)
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
