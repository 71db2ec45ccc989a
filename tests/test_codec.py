"""Codec and atlas: latents and tiles, exact and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import MosaicFilter
from realtime.atlas import Atlas, choose_levels
from realtime.codec import Codec, Wish
from realtime.sources import open_source
from realtime.tileset import TileSet
from tests.tile_sets import PLAIN, SLOPES, STRIPES


def test_encode_gives_the_mean_of_each_cell() -> None:
    cells = np.array([[[0, 0], [0, 0]], [[255, 255], [255, 255]], [[0, 255], [0, 255]]], np.uint8)
    latents = Codec(TileSet.load(PLAIN)).encode(cells)
    assert latents.tolist() == [[0.0], [1.0], [0.5]]


def test_decode_rounds_to_the_nearest_level() -> None:
    latents = np.array([[0.0], [0.5], [1.0], [100.6 / 255]], np.float32)
    tiles = Codec(TileSet.load(PLAIN)).decode(latents, 3)
    assert tiles.dtype == np.uint8
    assert tiles.shape == (4, 3, 3)
    assert tiles[:, 1, 1].tolist() == [0, 128, 255, 101]


def test_no_latents_are_no_tiles() -> None:
    for name, shape in (("digits", (0, 9, 9)), ("emoji", (0, 9, 9, 3))):
        codec = Codec(TileSet.load(name))
        tiles = codec.decode(np.empty((0, codec.tile_set.latents), np.float32), 9)
        assert tiles.dtype == np.uint8 and tiles.shape == shape


def test_a_wish_chooses_kind_and_polarity() -> None:
    cells = np.full((4, 4, 4), 120, np.uint8)
    wish = Wish.none(4, 2)
    wish.taste[1, 1] = 1
    wish.polarity[2] = 0.1
    latents = Codec(TileSet.load(STRIPES)).encode(cells, wish)
    assert latents[:, 0].tolist() == [0.25, 0.75, 0.25, 0.25]
    assert latents[:, 3].tolist() == [0.0, 0.0, 1.0, 0.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([STRIPES, SLOPES]), st.sampled_from([8, 40]))
def test_an_atlas_tile_is_nearly_the_exact_tile(seed: int, tiles: Path, size: int) -> None:
    """Tones are rounded to 1 in 96, which is 1.2 levels; those that are shaded a few times more."""
    codec = Codec(TileSet.load(tiles))
    made, random = Atlas(codec, size), np.random.default_rng(seed)
    latents = random.random((50, codec.tile_set.latents), np.float32)
    latents[:, -2] = 0.05 + 0.9 * latents[:, -2]
    if codec.tile_set.shading:
        # As much as there is room for at middle tones.
        latents[:, -2] = 0.25 + 0.5 * random.random(50)
        slopes = latents[:, codec.tile_set.slopes] - 0.5
        latents[:, codec.tile_set.slopes] = 0.5 + slopes / 2
    latents[:, -1] = latents[:, -2] > 0.5
    difference = np.abs(made.decode(latents).astype(int) - codec.decode(latents, size))
    assert difference.max() <= (6 if codec.tile_set.shading else 2)
    assert difference.mean() < 2.5
    once = made.decode(latents).copy()
    assert np.array_equal(once, made.decode(latents[::-1])[::-1])


def test_a_tile_is_decoded_once() -> None:
    atlas = Atlas(Codec(TileSet.load(STRIPES)), 8)
    latents = np.array([[0.25, 0.5, 0.3, 0]] * 10, np.float32)
    for _ in range(2):
        atlas.decode(latents)
        assert atlas.decoded == 1


def test_slopes_share_the_tile_that_they_shade() -> None:
    atlas = Atlas(Codec(TileSet.load(SLOPES)), 8)
    latents = np.full((4, 5), 0.5, np.float32)
    latents[:, 1:3] += [[0.1, 0], [-0.1, 0], [0, 0.1], [0.05, -0.05]]
    tiles = atlas.decode(latents).astype(int)
    assert atlas.decoded == 1
    # Alike but for rounding.
    assert np.abs(tiles[0] - tiles[1, :, ::-1]).max() <= 2
    assert np.abs(tiles[0] - tiles[2].T).max() <= 2
    assert tiles[0, 0, 7] - tiles[0, 0, 0] == pytest.approx(255 * 4 * 0.12 * 0.1 * 7 / 8, abs=4)


@pytest.mark.parametrize("tile_size", [8, 16, 28, 32])
def test_the_atlas_of_digits_is_within_two_grey_levels_of_the_exact_tiles(tile_size: int) -> None:
    made = MosaicFilter.load("digits", 32, tile_size, stabilise=False)
    exact = MosaicFilter.load("digits", 32, tile_size, stabilise=False, exact=True)
    with open_source("demo") as source:
        frame = source.read()
    assert frame is not None
    assert np.abs(made(frame.image).astype(int) - exact(frame.image)).mean() < 2


def test_there_is_an_atlas_for_few_latents_only() -> None:
    tile_set = TileSet.load(STRIPES)
    assert choose_levels(tile_set, 8) == (2, 16, 96, 2)
    assert choose_levels(tile_set, 28) == (2, 24, 96, 2)
    assert choose_levels(TileSet.load(SLOPES), 8) == (16, 96, 2, 7)
    assert choose_levels(replace(tile_set, kinds=12, shape_latents=4), 8) == (12, 12, 12, 12, 96, 2)
    assert choose_levels(replace(tile_set, shape_latents=5), 8) is None


def test_a_full_atlas_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = Codec(TileSet.load(STRIPES))
    large = Atlas(codec, 8)
    monkeypatch.setattr("realtime.atlas.MOST_BYTES", 8 * 8 * 20)
    small, random = Atlas(codec, 8), np.random.default_rng(1)
    for count in (15, 3, 10, 20, 25):
        latents = random.random((count, 4), np.float32)
        assert np.array_equal(small.decode(latents), large.decode(latents))
        assert small.decoded <= 20
        assert small.decoded * 64 <= small.nbytes <= 20 * 64
