"""Which tile stands in for one that is not decoded yet: the nearest in style, else the same."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

REACH = 3  # levels that a style may differ, either way
NONE = -1

Codes = npt.NDArray[np.intp]


class Neighbours:
    """The codes around a code that differ from it in style alone."""

    def __init__(self, levels: Sequence[int], styles: range) -> None:
        """Prepare.

        Args:
            levels: how many of each latent there are; codes count them through, the last fastest.
            styles: which of the latents are styles.
        """
        strides = np.cumprod([1, *levels[:0:-1]])[::-1]
        self._levels = np.array([levels[at] for at in styles], np.intp)
        self._strides = np.array([strides[at] for at in styles], np.intp)
        ways = itertools.product(range(-REACH, REACH + 1), repeat=len(styles))
        near = sorted((way for way in ways if any(way)), key=lambda way: sum(x * x for x in way))
        self._ways = np.array(near, np.intp).reshape(len(near), len(styles))
        self._offsets = self._ways @ self._strides

    def of(self, codes: Codes) -> Codes:
        """The codes around each of the `codes` [n]: [n, K], nearest first; `NONE` at an end."""
        steps = codes[:, None] // self._strides % self._levels
        steps = steps[:, None] + self._ways
        inside = ((steps >= 0) & (steps < self._levels)).all(axis=2)
        return np.where(inside, codes[:, None] + self._offsets, NONE)
