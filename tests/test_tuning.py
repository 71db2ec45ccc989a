"""Numbers of tiles: each step changes their size, and none is below a pixel of the frame."""

from __future__ import annotations

import pytest

from realtime.arrays import Size
from realtime.grid import Grid
from realtime.tuning import SMALLEST_TILE, most_columns, next_columns
from tests.fakes import plain


@pytest.mark.parametrize("width", [640, 1280, 1919])
def test_every_step_changes_the_size_of_the_tiles(width: int) -> None:
    for direction in (1, -1):
        columns = 64
        for _ in range(12):
            following = next_columns(columns, width, direction)
            if following == columns:
                assert round(width / columns) <= SMALLEST_TILE
                break
            assert (following - columns) * direction > 0
            assert round(width / following) != round(width / columns)
            columns = following


def test_fewer_ends_at_one() -> None:
    assert next_columns(1, 1280, -1) == 1


@pytest.mark.parametrize(
    ("frame", "size", "expected"),
    [
        *(((64, 36), (1280, 720), 64), ((64, 36), (100, 200), 16), ((1, 1), (1280, 720), 1)),
        *(((120, 90), (160, 90), 80), ((600, 480), (1280, 720), 426), ((64, 36), (64, 36), 64)),
    ],
)
def test_most_columns(frame: Size, size: Size, expected: int) -> None:
    assert most_columns(plain(0, frame), size) == expected
    grid = Grid.fit(frame, expected, None, size)
    assert grid.columns <= frame[0] and grid.rows <= frame[1]
