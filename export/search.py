"""What generated tiles are measured against: exact search for the nearest picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CHUNK = 256  # cells at a time: their distances to all pictures fit into memory


class ExactSearch:
    """The nearest of a set of pictures for every cell, by squared difference of all pixels."""

    def __init__(self, pictures: npt.NDArray[np.uint8], *, inverses: bool = False) -> None:
        """Index pictures.

        Args:
            pictures: [K, t, t] uint8.
            inverses: search their negatives too.
        """
        self.pictures = np.concatenate([pictures, 255 - pictures]) if inverses else pictures
        flat = self.pictures.reshape(len(self.pictures), -1)
        self._flat = flat.astype(np.float32) / 255
        self._half_norms = np.square(self._flat).sum(axis=1) / 2

    def __call__(self, cells: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the nearest picture [N, t, t] for each of the cells [N, t, t], uint8."""
        wanted = cells.reshape(len(cells), -1).astype(np.float32) / 255
        nearest = [
            (part @ self._flat.T - self._half_norms).argmax(axis=1)
            for part in np.array_split(wanted, max(1, len(wanted) // CHUNK))
        ]
        return np.asarray(self.pictures[np.concatenate(nearest)])
