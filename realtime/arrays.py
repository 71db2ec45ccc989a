"""Names for the arrays that cross module borders, the check of a frame at the door, their parts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Frame: TypeAlias = npt.NDArray[np.uint8]
"""[H, W, 3] uint8 BGR."""
Picture: TypeAlias = npt.NDArray[np.uint8]
"""[H, W] uint8, or [H, W, 3] uint8 BGR."""
Plane: TypeAlias = npt.NDArray[np.uint8]
"""[H, W] uint8, one channel."""
Tiles: TypeAlias = npt.NDArray[np.uint8]
"""[N, T, T] uint8, or [N, T, T, 3] uint8 BGR."""
Patches: TypeAlias = npt.NDArray[np.float32]
"""[N, C, P, P] float32, 0..1; C is 1 (luminance) or 3 (BGR)."""
Latents: TypeAlias = npt.NDArray[np.float32]
"""[N, D] float32, 0..1."""
Size: TypeAlias = tuple[int, int]
"""(width, height) in pixels."""

MOST_PIXELS = 1 << 28
"""Of any picture, frame or mosaic: 16,384 x 16,384, or 800 MB in colour."""


def check_frame(frame: object) -> Frame:
    """Return `frame` if it is a picture as every stage expects it.

    Args:
        frame: anything; a frame is [H, W, 3] uint8 BGR with at least one pixel.

    Raises:
        TypeError: not an array, or not uint8.
        ValueError: not [H, W, 3], or empty.
    """
    if not isinstance(frame, np.ndarray):
        raise TypeError(f"frame: found {type(frame).__name__}, expected a NumPy array")
    if frame.dtype != np.uint8:
        raise TypeError(f"frame: found dtype {frame.dtype}, expected uint8 (0..255)")
    if frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise ValueError(f"frame: found shape {frame.shape}, expected [H, W, 3] BGR")
    return frame


def parts(count: int, number: int) -> Sequence[tuple[int, int]]:
    """Cut `count` tiles into that many parts, nearly alike: the first and last + 1 of each."""
    ends = [count * at // number for at in range(number + 1)]
    return list(itertools.pairwise(ends))
