"""Colour modes, on tiles of any content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.colour import PIXELS_AT_ONCE, check, duo, duo_table, tint, tint_planes
from realtime.planes import from_bgr

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 12), st.integers(1, 9), st.booleans())
def test_tint_gives_tiles_the_mean_of_their_cell(
    seed: int, count: int, side: int, coloured: bool
) -> None:
    random = np.random.default_rng(seed)
    shape = (count, side, side, 3) if coloured else (count, side, side)
    tiles = (random.random(shape) ** random.choice([0.2, 1, 5]) * 255).astype(np.uint8)
    colours = random.integers(0, 256, (count, 3), np.uint8)
    tinted = tint(tiles, colours)
    assert tinted.shape == (count, side, side, 3)
    assert (np.abs(tinted.mean(axis=(1, 2)) - colours.astype(float)) <= 1).all()


def test_tint_keeps_what_contrast_the_colour_allows() -> None:
    tile = np.array([[[0, 128], [127, 255]]], np.uint8)
    grey = tint(tile, np.full((1, 3), 128, np.uint8))
    assert np.abs(grey.astype(int) - tile[..., None]).max() <= 1
    black = tint(tile, np.zeros((1, 3), np.uint8))
    assert black.max() == 0


def test_tint_of_many_tiles_is_that_of_each() -> None:
    random = np.random.default_rng(2)
    count = 3 + PIXELS_AT_ONCE // 64
    tiles = random.integers(0, 256, (count, 8, 8), np.uint8)
    colours = random.integers(0, 256, (count, 3), np.uint8)
    tinted = tint(tiles, colours)
    for one in (0, count // 2, count - 1):
        assert np.array_equal(tinted[one : one + 1], tint(tiles[one : one + 1], colours[one:][:1]))


@pytest.mark.parametrize("coloured", [False, True])
def test_duo_looks_every_level_up(coloured: bool) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    tiles = levels[..., None].repeat(3, 3) if coloured else levels
    painted = duo(tiles, "duo:#ff0000-#00ff00")
    assert np.array_equal(painted.reshape(256, 3), duo_table("duo:#ff0000-#00ff00").reshape(256, 3))
    assert painted[0, 0, 0].tolist() == [0, 0, 255]
    assert painted[0, 15, 15].tolist() == [0, 255, 0]


@given(SEEDS, st.integers(1, 300), st.sampled_from([2, 6, 16]))
def test_tint_as_planes_is_tint(seed: int, count: int, side: int) -> None:
    """Of tiles in two flat halves, for where they change, colours are averaged in another order."""
    random = np.random.default_rng(seed)
    tiles = random.integers(0, 256, (count, 2, 1), np.uint8).repeat(side // 2, 1).repeat(side, 2)
    tiles = tiles.reshape(count, side, side)
    colours = random.integers(0, 256, (count, 3), np.uint8)
    tinted, made = tint(tiles, colours), tint_planes(tiles, colours)
    for one in range(min(count, 8)):
        wanted = from_bgr(tinted[one]).reshape(-1)
        found = np.concatenate([plane[one].reshape(-1) for plane in made])
        tolerance = 2 if side % 4 == 0 else 64
        assert np.abs(found.astype(int) - wanted)[: side * side].max() <= 2
        assert np.abs(found.astype(int) - wanted).max() <= tolerance


@pytest.mark.parametrize("mode", ["", "MONO", "duo:", "duo:#12345-#ffffff", "tint:#ffffff"])
def test_unknown_modes_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="expected mono, tint, duo"):
        check(mode)
