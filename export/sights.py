"""What a student's regressor is taught on: cells as the filter would cut them, seen by two.

Teacher and student take patches of different sizes, each resized from the picture as the run time
does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.patches import GAIN, SHIFT, dead_leaves
from realtime.arrays import Frame, Plane, Size, Tiles
from realtime.grid import Grid, resize
from realtime.reduction import luminance

CUTS = 48  # grids that every photograph is cut by
SMALLEST_CELL = 6  # pixels
PARTS = (1 / 90, 1 / 12)  # of a photograph's shorter side that a cell covers: 160 to 21 columns
ALTERED = 0.5  # share of cells shown at another contrast and brightness
LEAF_PICTURES, LEAF_SIDE = 8, 512
SLOPE = 0.25  # standard deviation of the rise from edge to edge of a patch
LEVELS = 255.0


@dataclass(frozen=True)
class Sight:
    """The same patches as both see them.

    Attributes:
        large: [N, P, P] uint8, the teacher's.
        small: [N, p, p] uint8, the student's.
    """

    large: Tiles
    small: Tiles

    @classmethod
    def of(cls, patches: Tiles, side: int) -> Sight:
        """Take patches [N, P, P] uint8 as cells of so many pixels, and resize them to `side`."""
        return cls(patches, np.stack([resize(patch, (side, side)) for patch in patches]))

    @classmethod
    def cut(cls, picture: Plane, columns: int, sides: Size) -> Sight:
        """Cut a picture [H, W] uint8 into cells as the filter does, for patches of two sides."""
        grid = Grid.fit((picture.shape[1], picture.shape[0]), columns)
        large, small = (grid.split(picture, side) for side in sides)
        return cls(large, small)


def gather(
    pictures: Tiles, photos: Sequence[Frame], cells: int, side: int, seed: int
) -> list[tuple[float, Sight]]:
    """Return what a regressor is taught on, each sort with its share of every batch.

    Args:
        pictures: [N, P, P] uint8 that the teacher was trained on.
        photos: [H, W, 3] uint8 BGR each.
        cells: how many patches there shall be besides the pictures, about.
        side: p, pixels along one side of the student's patches.
        seed: equal seeds give equal patches.
    """
    rng = np.random.default_rng(seed)
    sides = (pictures.shape[1], side)
    leaves = [dead_leaves(rng, LEAF_SIDE) for _ in range(LEAF_PICTURES)]
    return [
        (0.55, photo_cells(rng, photos, cells * 10 // 13, sides)),
        (0.15, photo_cells(rng, leaves, cells * 2 // 13, sides)),
        (0.1, Sight.of(slopes(rng, cells // 13, sides[0]), side)),
        (0.2, Sight.of(pictures, side)),
    ]


def photo_cells(
    rng: np.random.Generator, photos: Sequence[Frame], count: int, sides: Size
) -> Sight:
    """Cut cells of many sizes from photographs, as the filter does; see `altered`.

    Args:
        rng: source of chance; advanced.
        photos: [H, W, 3] uint8 BGR each; all weigh the same.
        count: how many cells, about.
        sides: pixels along one side of the teacher's patches and of the student's.
    """
    cuts = min(CUTS, -(-count // len(photos)))
    each = -(-count // (len(photos) * cuts))
    found = []
    for grey in map(luminance, photos):
        shorter = min(grey.shape)
        for _ in range(cuts):
            part = np.exp(rng.uniform(*np.log(PARTS)))
            cell = max(SMALLEST_CELL, round(shorter * part))
            top, left = rng.integers(cell, size=2)
            inner = grey[top:, left:]
            seen = Sight.cut(inner, max(1, inner.shape[1] // cell), sides)
            chosen = rng.integers(len(seen.large), size=each)
            found.append(Sight(seen.large[chosen], seen.small[chosen]))
    return altered(rng, joined(found))


def joined(seen: Sequence[Sight]) -> Sight:
    """Put patches together."""
    return Sight(
        np.concatenate([part.large for part in seen]),
        np.concatenate([part.small for part in seen]),
    )


def altered(rng: np.random.Generator, seen: Sight) -> Sight:
    """Show a share of patches, `ALTERED`, at another contrast and brightness."""
    shape = (len(seen.large), 1, 1)
    kept = rng.random(shape) >= ALTERED
    gains = np.where(kept, 1.0, GAIN ** rng.uniform(-1.0, 1.0, shape)).astype(np.float32)
    shifts = np.where(kept, 0.0, LEVELS * SHIFT * rng.normal(0.0, 1.0, shape)).astype(np.float32)
    means = seen.large.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    middles = np.clip(means + shifts, 0.0, LEVELS)
    large, small = (
        np.rint((patches - means) * gains + middles).clip(0, LEVELS).astype(np.uint8)
        for patches in (seen.large, seen.small)
    )
    return Sight(large, small)


def slopes(rng: np.random.Generator, count: int, side: int) -> Tiles:
    """Paint patches whose tone rises evenly, and as many again that are flat, [N, P, P] uint8."""
    away = (np.arange(side) + 0.5) / side - 0.5
    right, down = rng.normal(0.0, SLOPE, (2, count - count // 2, 1, 1))
    rising = rng.random((len(right), 1, 1)) + right * away + down * away[:, None]
    flat = np.broadcast_to(rng.random((count // 2, 1, 1)), (count // 2, side, side))
    return np.asarray(np.rint(np.concatenate([rising, flat]).clip(0, 1) * LEVELS), np.uint8)
