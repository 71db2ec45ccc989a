"""Which tile stands in for one that is not decoded yet: the nearest in style, else the same."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

REACH = 3  # levels that a style may differ, either way
MOST = 49  # neighbours to look at: all of two styles, the nearest of more

Codes = npt.NDArray[np.intp]
Steps = npt.NDArray[np.integer]


class Neighbours:
    """The codes around a code that differ from it in style alone."""

    def __init__(self, levels: Steps, strides: Steps) -> None:
        """Prepare.

        Args:
            levels: [S] how many there are of each style.
            strides: [S] how far apart the codes of two neighbouring ones are.
        """
        self._levels, self._strides = levels, strides
        ways = itertools.product(range(-REACH, REACH + 1), repeat=len(levels))
        near = sorted(ways, key=lambda way: sum(x * x for x in way))[:MOST]
        self._ways = np.array(near, np.intp).reshape(len(near), len(levels))
        self._offsets = self._ways @ strides

    def of(self, codes: Codes) -> Codes:
        """The codes around each of the `codes` [n]: [n, K], itself first, then the nearest.

        Where there is none, at an end of the levels, stands the code itself again.
        """
        steps = codes[:, None] // self._strides % self._levels
        steps = steps[:, None] + self._ways
        inside = ((steps >= 0) & (steps < self._levels)).all(axis=2)
        return np.where(inside, codes[:, None] + self._offsets, codes[:, None])
