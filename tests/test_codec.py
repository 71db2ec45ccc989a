"""Codec and atlas: latents and tiles, exact and kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.atlas import Atlas, choose_levels
from realtime.codec import Codec
from realtime.tileset import TileSet
from tests.tile_sets import PLAIN, STRIPES


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


def test_preference_chooses_kind_and_polarity() -> None:
    cells = np.full((4, 4, 4), 120, np.uint8)
    preference = np.zeros((4, 4), np.float32)
    preference[1, 1] = 1
    preference[2, 3] = 0.1
    latents = Codec(TileSet.load(STRIPES)).encode(cells, preference)
    assert latents[:, 0].tolist() == [0.25, 0.75, 0.25, 0.25]
    assert latents[:, 3].tolist() == [0.0, 0.0, 1.0, 0.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_an_atlas_tile_is_the_exact_tile_of_its_levels(seed: int) -> None:
    codec = Codec(TileSet.load(STRIPES))
    atlas = Atlas(codec, 8)
    latents = np.random.default_rng(seed).random((50, 4), np.float32)
    codes = atlas.encode(latents)
    assert np.array_equal(atlas.gather(codes), codec.decode(atlas.latents(codes), 8))
    assert np.array_equal(atlas.encode(atlas.latents(codes)), codes)


def test_a_tile_is_decoded_once() -> None:
    atlas = Atlas(Codec(TileSet.load(STRIPES)), 8)
    latents = np.array([[0.25, 0.5, 0.3, 0]] * 10, np.float32)
    atlas.gather(atlas.encode(latents))
    assert atlas.decoded == 1
    atlas.gather(atlas.encode(latents))
    assert atlas.decoded == 1


@pytest.mark.parametrize("tile_size", [8, 16, 28, 32])
def test_the_atlas_of_digits_is_within_two_grey_levels_of_the_exact_tiles(tile_size: int) -> None:
    codec = Codec(TileSet.load("digits"))
    atlas = Atlas(codec, tile_size)
    random = np.random.default_rng(0)
    latents = random.random((500, 5), np.float32)
    latents[:, 0] = (random.integers(0, 10, 500) + 0.5) / 10
    latents[:, 3] = 0.05 + 0.9 * latents[:, 3]
    kept = atlas.gather(atlas.encode(latents)).astype(int)
    exact = codec.decode(latents, tile_size).astype(int)
    assert np.abs(kept - exact).mean() < 2


def test_there_is_an_atlas_for_few_latents_only() -> None:
    tile_set = TileSet.load(STRIPES)
    assert choose_levels(tile_set) == (2, 16, 96, 2)
    assert choose_levels(replace(tile_set, shape_latents=4)) == (2, 16, 16, 16, 96, 2)
    assert choose_levels(replace(tile_set, kinds=10, shape_latents=4)) == (10, 12, 12, 12, 96, 2)
    assert choose_levels(replace(tile_set, shape_latents=5)) is None


def test_a_full_atlas_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.atlas.MOST_BYTES", 8 * 8 * 20)
    codec = Codec(TileSet.load(STRIPES))
    atlas, random = Atlas(codec, 8), np.random.default_rng(1)
    for count in (15, 3, 10, 20, 25):
        codes = atlas.encode(random.random((count, 4), np.float32))
        assert np.array_equal(atlas.gather(codes), codec.decode(atlas.latents(codes), 8))
        assert atlas.decoded <= 20
