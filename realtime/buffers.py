"""Arrays that are used again, because fresh memory costs more than most of what is done with it."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

KEPT = 4  # arrays handed out and remembered; whoever holds more of them gets fresh ones


class Buffer:
    """One array, for results that are used up before the next one is made."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._array = np.empty(0, np.uint8)

    def take(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Return an array of this shape, uint8, whose values are anything.

        The first dimension may change from call to call at no cost.
        """
        array = self._array
        if array.shape[1:] != shape[1:] or len(array) < shape[0]:
            self._array = array = np.empty(shape, np.uint8)
        return array[: shape[0]]


class Recycled:
    """Arrays that are handed out for good, and come back when nobody holds them any more.

    To those who use them they are new arrays. Views count: they hold what they are views of.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self._arrays: list[npt.NDArray[np.uint8]] = []
        # Of an array that nobody else holds. How many that are differs among versions of Python.
        self._ours = _references([np.empty(0, np.uint8)])[0]

    def take(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Return an array of this shape, uint8, that nobody else holds; its values are anything."""
        for array, references in zip(self._arrays, _references(self._arrays), strict=True):
            if array.shape == shape and references <= self._ours:
                return array
        made = np.empty(shape, np.uint8)
        self._arrays = [*self._arrays, made][-KEPT:]
        return made


def _references(arrays: list[npt.NDArray[np.uint8]]) -> list[int]:
    """How many references there are to each array, those of the list and of this function too."""
    return [sys.getrefcount(array) for array in arrays]
