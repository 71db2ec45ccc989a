"""The tone at which tiles turn from light ink on dark paper to dark ink on light paper."""

from __future__ import annotations

import numpy as np

from realtime.arrays import Plane

MIDDLE = 128  # levels
REACH = 15  # levels that the line may be away from the middle: beyond, tiles are hard to read
FAINT = 38  # levels of a step beyond which a border on it does no harm: there is an edge anyway
AWAY_COST = 0.02  # borders that a level away from the middle is worth, per pair of hundred cells
RELUCTANCE = 1.5  # times fewer borders that another line must give
EVERY = 8  # frames from one look to the next: it takes as long as a fifth of the regressor


class PolarityLine:
    """Follows a tone that few cells straddle, so that borders lie on the edges of things.

    Where neighbours of nearly one tone lie on either side of the line, the mosaic shows a border
    that the frame does not have, as a blotch on a cheek. A still scene keeps its line.
    """

    def __init__(self) -> None:
        """Start in the middle."""
        self.reset()

    @property
    def shift(self) -> float:
        """What to add to tones so that the line is at one half."""
        return (MIDDLE - self._line) / 255

    def reset(self) -> None:
        """Forget the past frames."""
        self._line = MIDDLE
        self._frames = 0

    def due(self) -> bool:
        """Count a frame, and return whether to look at it."""
        self._frames += 1
        return self._frames % EVERY == 1

    def follow(self, tones: Plane) -> bool:
        """Look at the mean tones of the cells and return whether the line has moved.

        Args:
            tones: [rows, columns] uint8.
        """
        costs = _costs(tones)
        best = int(costs.argmin())
        now = self._line - MIDDLE + REACH
        if costs[now] <= RELUCTANCE * costs[best]:
            return False
        self._line = MIDDLE - REACH + best
        return True


def _costs(tones: Plane) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How much harm every line does, from `REACH` below the middle to as much above it."""
    sides = (tones[:, 1:], tones[:, :-1]), (tones[1:], tones[:-1])
    low = np.concatenate([np.minimum(*pair).ravel() for pair in sides])
    high = np.concatenate([np.maximum(*pair).ravel() for pair in sides])
    harm = np.maximum(0.0, 1 - np.arange(256) / FAINT)[high - low]
    # A pair straddles the lines above its lower tone, up to its higher one.
    opened = np.cumsum(np.bincount(low, harm, 257))
    closed = np.cumsum(np.bincount(high, harm, 257))
    lines = np.arange(MIDDLE - REACH, MIDDLE + REACH + 1)
    away = AWAY_COST * len(low) / 100 * np.abs(lines - MIDDLE)
    return np.asarray(opened[lines - 1] - closed[lines - 1] + away + 1)
