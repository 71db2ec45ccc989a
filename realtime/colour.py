"""Colour modes: how a grey mosaic becomes a coloured one.

mono    the tiles as they are: grey, or in their own colours where the tile set has some
tint    every tile in the colour of its cell; the mean of the tile is the mean of the cell
duo     two colours, `duo` or `duo:#1b2a49-#ffe9c9` (for the darkest and the lightest tone)
"""

from __future__ import annotations

import re

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Frame, Plane
from realtime.grid import Grid

MODES = ("mono", "tint", "duo")
_DUO = re.compile(r"duo(?::#?([0-9a-f]{6})-#?([0-9a-f]{6}))?", re.IGNORECASE)
_DUO_DEFAULT = ("1b2a49", "ffe9c9")


def check(mode: str) -> str:
    """Return `mode` if it is one.

    Raises:
        ValueError: it is none.
    """
    if mode in ("mono", "tint") or _DUO.fullmatch(mode):
        return mode
    raise ValueError(f"colour: found {mode!r}, expected mono, tint, duo or duo:#RRGGBB-#RRGGBB")


def paint(mosaic: npt.NDArray[np.uint8], frame: Frame, grid: Grid, mode: str) -> Frame:
    """Give a mosaic its colours.

    Args:
        mosaic: [h, w] uint8, or [h, w, 3] uint8 BGR from a coloured tile set, uncut.
        frame: [H, W, 3] uint8 BGR that the mosaic was made from.
        grid: that both share.
        mode: see the module.

    Returns:
        [h, w, 3] uint8 BGR, a new array.
    """
    if mode == "tint":
        return tint(mosaic, grid.split(frame, 1).reshape(grid.rows, grid.columns, 3))
    if mode == "mono":
        return _to_bgr(mosaic)
    return np.asarray(cv2.LUT(_to_bgr(mosaic), duo_table(mode)), np.uint8)


def tint(mosaic: npt.NDArray[np.uint8], colours: npt.NDArray[np.uint8]) -> Frame:
    """Give each tile the mean colour of its cell, keeping as much contrast as that colour allows.

    Per tile and channel, `a * value + b` with the steepest `a` that keeps black and white in range
    while the tile's mean becomes the cell's: nothing is clipped, so the colour is exact.

    Args:
        mosaic: [rows * T, columns * T] or the same with 3 channels, uint8.
        colours: [rows, columns, 3] uint8 BGR, the mean of each cell.

    Returns:
        [rows * T, columns * T, 3] uint8 BGR.
    """
    height, width = mosaic.shape[:2]
    rows, columns = colours.shape[:2]
    planes = cv2.split(mosaic) if mosaic.ndim == 3 else (mosaic,) * 3
    tinted = []
    for channel, plane in enumerate(planes):
        mean = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA)
        mean = mean.astype(np.float32)
        wanted = colours[:, :, channel].astype(np.float32)
        slope = np.minimum(
            wanted / np.maximum(mean, 1), (255 - wanted) / np.maximum(255 - mean, 1)
        ).clip(0, 1)
        offset = np.rint((wanted - slope * mean).clip(0, 255)).astype(np.uint8)
        slope = np.rint(slope * 255).astype(np.uint8)
        wide = [
            cv2.resize(part, (width, height), interpolation=cv2.INTER_NEAREST)
            for part in (slope, offset)
        ]
        tinted.append(cv2.add(cv2.multiply(plane, wide[0], scale=1 / 255), wide[1]))
    return np.asarray(cv2.merge(tinted), np.uint8)


def duo_table(mode: str) -> npt.NDArray[np.uint8]:
    """The look-up table [256, 1, 3] uint8 BGR of a two-colour mode."""
    match = _DUO.fullmatch(mode)
    texts = match.groups() if match and match.group(1) else _DUO_DEFAULT
    ends = [np.array([int(text[i : i + 2], 16) for i in (4, 2, 0)], np.float32) for text in texts]
    share = np.linspace(0, 1, 256, dtype=np.float32)[:, None, None]
    return np.rint(ends[0] + share * (ends[1] - ends[0])).astype(np.uint8)


def _to_bgr(mosaic: Plane | Frame) -> Frame:
    if mosaic.ndim == 3:
        return mosaic
    return np.asarray(cv2.cvtColor(mosaic, cv2.COLOR_GRAY2BGR), np.uint8)
