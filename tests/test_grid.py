"""The grid: how a frame is cut, and how tiles are laid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.grid import Grid, coarsen, resize, shrink

SIDES = st.integers(1, 300)


def test_rows_follow_from_the_aspect() -> None:
    grid = Grid.fit((1280, 720), columns=64)
    assert (grid.columns, grid.rows, grid.tile_size) == (64, 36, 20)
    assert grid.size == (1280, 720)


def test_asked_tile_size() -> None:
    assert Grid.fit((1280, 720), 80, tile_size=28).size == (80 * 28, 45 * 28)


@given(SIDES, SIDES, st.integers(1, 100))
def test_asked_size_is_met_exactly_by_square_tiles(width: int, height: int, columns: int) -> None:
    grid = Grid.fit((640, 480), columns, size=(width, height))
    assert grid.size == (width, height)
    assert 0 <= grid.columns * grid.tile_size - width < grid.tile_size
    assert 0 <= grid.rows * grid.tile_size - height < grid.tile_size


@pytest.mark.parametrize(
    "asked",
    [{"columns": 0}, {"columns": 4, "tile_size": 0}, {"columns": 4, "size": (0, 5)}],
)
def test_numbers_below_one_are_refused(asked: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected 1 or more"):
        Grid.fit((640, 480), **asked)  # type: ignore[arg-type]


def test_a_mosaic_beyond_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer or smaller"):
        Grid.fit((640, 480), columns=1000, tile_size=512)


def test_cells_come_row_by_row_from_the_top_left() -> None:
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3).repeat(4, 0).repeat(4, 1)
    cells = Grid.fit((12, 8), columns=3).split(picture, patch_size=2)
    assert cells.shape == (6, 2, 2)
    assert [int(cell.min()) for cell in cells] == [0, 1, 2, 3, 4, 5]
    assert np.array_equal(cells.min(axis=(1, 2)), cells.max(axis=(1, 2)))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.booleans())
def test_join_puts_back_what_split_cut(rows: int, columns: int, side: int, colour: bool) -> None:
    random = np.random.default_rng(rows * 100 + columns * 10 + side)
    shape = (rows * side, columns * side) + ((3,) if colour else ())
    picture = random.integers(0, 256, shape, np.uint8)
    grid = Grid(columns, rows, side, (columns * side, rows * side))
    assert np.array_equal(grid.join(grid.split(picture, side)), picture)


def test_overshoot_is_cut_evenly() -> None:
    grid = Grid.fit((640, 480), 3, tile_size=10, size=(26, 20))
    assert (grid.columns, grid.rows) == (3, 2)
    tiles = np.arange(6, dtype=np.uint8)[:, None, None].repeat(10, 1).repeat(10, 2)
    mosaic = grid.join(tiles)
    assert mosaic.shape == (20, 26)
    assert mosaic[0].tolist() == [0] * 8 + [1] * 10 + [2] * 8


@given(st.integers(8, 40), st.integers(8, 40), st.integers(1, 12), st.data())
def test_shrinking_keeps_the_mean(columns: int, rows: int, side: int, data: st.DataObject) -> None:
    # As a grid crops it: cells nearly square, with less than a pixel a cell left over.
    width = columns * side + data.draw(st.integers(0, side - 1))
    height = rows * side + data.draw(st.integers(0, side - 1))
    base = np.random.default_rng(width * height).integers(0, 256, (8, 8), np.uint8)
    smooth = shrink(base, (width, height))  # like a photograph
    small = shrink(smooth, (columns, rows))
    assert small.shape == (rows, columns)
    assert abs(float(small.mean()) - float(smooth.mean())) < 8


def test_cells_are_averaged_by_area_at_any_ratio() -> None:
    ramp = np.linspace(0, 255, 1280, dtype=np.uint8)[None].repeat(720, 0)
    for columns in (60, 64, 77, 80, 100):
        grid = Grid.fit((1280, 720), columns)
        means = grid.split(ramp, 8).mean(axis=(1, 2)).reshape(grid.rows, columns)[0]
        edges = np.linspace(0, 255, columns + 1)
        assert np.abs(means - (edges[1:] + edges[:-1]) / 2).max() < 1.5


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 5), st.booleans(), st.data())
def test_chosen_cells_are_those_among_all(
    rows: int, columns: int, side: int, colour: bool, data: st.DataObject
) -> None:
    random = np.random.default_rng(rows * 100 + columns * 10 + side)
    shape = (rows * side, columns * side) + ((3,) if colour else ())
    picture = random.integers(0, 256, shape, np.uint8)
    grid = Grid(columns, rows, side, (columns * side, rows * side))
    chosen = data.draw(st.sets(st.integers(0, grid.count - 1)).map(sorted))
    found = grid.cells(picture, np.array(chosen, np.intp))
    assert np.array_equal(found, grid.cells(picture)[chosen])


@given(SIDES, SIDES, st.integers(1, 40), st.integers(1, 40))
def test_coarsening_ends_within_twice_the_target(
    width: int, height: int, columns: int, rows: int
) -> None:
    random = np.random.default_rng(width * height)
    picture = random.integers(0, 256, (height, width, 3), np.uint8)
    coarse = coarsen(picture, (columns, rows))
    sides = coarse.shape[1::-1]
    assert sides == (width, height) or all(np.greater_equal(sides, (columns, rows)))
    assert min(sides[0] / columns, sides[1] / rows) < 2
    assert resize(coarse, (columns, rows)).shape == (rows, columns, 3)


@pytest.mark.parametrize("ratio", [2, 4])
def test_coarsening_averages_the_middle_four_pixels(ratio: int) -> None:
    picture = np.random.default_rng(4).integers(0, 256, (3 * ratio, 5 * ratio), np.uint8)
    blocks = picture.reshape(3, ratio, 5, ratio).astype(int)
    middle = slice(ratio // 2 - 1, ratio // 2 + 1)
    wanted = (blocks[:, middle, :, middle].sum(axis=(1, 3)) + 2) // 4
    # What is too much is cut from both ends.
    wider = np.pad(picture, ((0, 0), ((ratio - 1) // 2, ratio // 2)))
    for whole in (picture, wider):
        assert coarsen(whole, (5, 3)).tolist() == wanted.tolist()
    assert coarsen(picture, (5, 2 * ratio)) is picture
