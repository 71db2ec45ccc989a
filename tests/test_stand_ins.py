"""Tiles in the place of those that wait to be decoded."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import MosaicFilter
from realtime.arrays import Latents
from realtime.atlas import ENOUGH, Atlas
from realtime.codec import Codec
from realtime.stand_ins import MOST, REACH, Neighbours
from realtime.tileset import TileSet
from tests.test_mosaic import photo
from tests.tile_sets import SLOPES, STRIPES

LEVELS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@settings(deadline=None)
@given(LEVELS, st.data())
def test_neighbours_are_the_codes_nearest_in_style(levels: list[int], data: st.DataObject) -> None:
    styles = range(*sorted(data.draw(st.tuples(*[st.integers(0, len(levels))] * 2))))
    codes = data.draw(st.lists(st.integers(0, math.prod(levels) - 1), min_size=1, max_size=3))
    strides = np.array([math.prod(levels[at + 1 :]) for at in styles], int)
    made = Neighbours(np.array(levels[styles.start : styles.stop], int), strides)
    ways = list(itertools.product(range(-REACH, REACH + 1), repeat=len(styles)))
    lengths = sorted(sum(x * x for x in way) for way in ways)
    for code, around in zip(codes, made.of(np.array(codes)), strict=True):
        latents = np.unravel_index(code, levels)
        far = {}
        for steps in ways:
            moved = np.array(latents)
            moved[styles.start : styles.stop] += np.array(steps, int)
            if any(steps) and (moved >= 0).all() and (moved < levels).all():
                far[int(np.ravel_multi_index(tuple(moved), levels))] = sum(x * x for x in steps)
        assert around[0] == code and len(around) == min(len(ways), MOST)
        found = [other for other in around.tolist() if other != code]
        assert len(found) == len(set(found))
        assert [far[other] for other in found] == sorted(far[other] for other in found)
        # Of those as far as the last that there is room for, only some are in it.
        last = lengths[len(around) - 1] if len(ways) > MOST else math.inf
        assert {other for other in far if far[other] < last} <= set(found)
        assert all(far[other] <= last for other in found)


def stripes(*latents: tuple[float, float, float, float]) -> Latents:
    """Latents of stripes: kind, style, tone, polarity."""
    return np.array(latents, np.float32)


@pytest.fixture
def atlas() -> Atlas:
    """An atlas of stripes that knows a tile of the first kind, of a middle style and tone."""
    made = Atlas(Codec(TileSet.load(STRIPES)), 8)
    made.decode(stripes((0.2, 0.52, 0.5, 0)), patient=True)
    assert made.decoded == 1
    return made


def test_a_tile_of_nearly_the_same_style_stands_in(atlas: Atlas) -> None:
    known = atlas.decode(stripes((0.2, 0.52, 0.5, 0))).copy()
    near = stripes((0.2, 0.52 + REACH / 16, 0.5, 0), (0.2, 0.52, 0.5, 0))
    assert np.array_equal(atlas.decode(near, patient=True), known.repeat(2, 0))
    assert atlas.decoded == 1
    assert np.array_equal(atlas.decode(near)[1:], known)
    assert atlas.decoded == 2


@pytest.mark.parametrize(
    "other", [(0.7, 0.52, 0.5, 0), (0.2, 0.95, 0.5, 0), (0.2, 0.52, 0.52, 0), (0.2, 0.52, 0.5, 1)]
)
def test_nothing_else_stands_in(atlas: Atlas, other: tuple[float, float, float, float]) -> None:
    """No other kind, far style, tone or polarity; and then all is decoded that was wanted."""
    atlas.decode(stripes((0.2, 0.58, 0.5, 0)), patient=True)
    assert atlas.decoded == 1
    exact = Atlas(atlas.codec, 8).decode(stripes(other))
    assert np.array_equal(atlas.decode(stripes(other), patient=True), exact)
    assert atlas.decoded == 3


def test_enough_of_them_are_decoded_together(atlas: Atlas) -> None:
    near = stripes((0.2, 0.58, 0.5, 0))
    exact = Atlas(atlas.codec, 8).decode(near)
    for number in range(1, ENOUGH + 1):
        tiles = atlas.decode(near, patient=True)
        assert atlas.decoded == (2 if number == ENOUGH else 1)
    assert np.array_equal(tiles, exact)


@pytest.mark.parametrize("tiles", [STRIPES, SLOPES])
def test_only_filters_that_keep_tiles_from_frame_to_frame_wait(tiles: Path) -> None:
    """A filter without stability has no past, in no way."""
    frames = [np.roll(photo()[:, :320], shift, 1) for shift in range(0, 60, 3)]
    made = MosaicFilter.load(tiles, columns=16, stabilise=False)
    for frame in frames:
        fresh = MosaicFilter.load(tiles, columns=16, stabilise=False)
        assert np.array_equal(made(frame), fresh(frame))
