"""Work that is skipped changes nothing: kept tiles, kept cells and kept settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import MosaicFilter
from realtime.arrays import Frame
from realtime.atlas import Atlas
from realtime.canvas import Canvas
from realtime.codec import Codec
from realtime.colour import paint
from realtime.grid import Grid, halve
from realtime.stability import Stabiliser
from realtime.tileset import TileSet
from realtime.variety import Taste
from tests.tile_sets import PLAIN, STRIPES

SEEDS = st.integers(0, 2**32 - 1)
COLOURS = st.sampled_from(["mono", "tint", "duo"])
ROWS, COLUMNS, SIDE = 6, 8, 8


def film(seed: int, length: int = 6) -> Iterator[Frame]:
    """Noisy frames of [48, 64, 3] in which some of the cells change by a little or a lot."""
    random = np.random.default_rng(seed)
    cells = random.integers(0, 256, (ROWS, COLUMNS, 3)).astype(np.float32)
    for _ in range(length):
        share, strength = random.uniform(0, 1), random.choice([2, 8, 80])
        change = random.normal(0, strength, cells.shape) * (random.random(cells.shape) < share)
        cells = (cells + change).clip(0, 255)
        frame = cells.repeat(SIDE, 0).repeat(SIDE, 1)
        noisy = frame + random.normal(0, random.choice([0, 4]), frame.shape)
        yield np.rint(noisy).clip(0, 255).astype(np.uint8)


class Diligent:
    """The filter with nothing skipped: encodes, decodes, paints and joins every cell."""

    def __init__(self, tiles: Path, colour: str, variety: float, stability: float) -> None:
        """Load a tile set with grey patches."""
        self.codec = Codec(TileSet.load(tiles))
        self.grid = Grid.fit((COLUMNS * SIDE, ROWS * SIDE), COLUMNS)
        self.atlas = Atlas(self.codec, self.grid.tile_size)
        self.taste = Taste(self.codec.tile_set, self.grid) if self.codec.tile_set.kinds else None
        self.stabiliser = Stabiliser(self.codec.tile_set)
        self.colour, self.variety, self.stability = colour, variety, stability
        self.colours: Frame | None = None

    def __call__(self, frame: Frame) -> Frame:
        """[48, 64, 3] uint8 BGR -> the mosaic of the same shape."""
        side = self.codec.tile_set.patch_size
        picture = halve(frame, (COLUMNS * side, ROWS * side))
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
        patches = self.grid.cells(grey)
        seen = picture if self.colour == "tint" else grey
        glances = self.grid.cells(halve(seen, (COLUMNS * side // 2, ROWS * side // 2)))
        every, held = np.arange(self.grid.count), self.stabiliser.held
        stirred = self.stabiliser.stirred(glances, self.stability)
        if self.taste:
            wish = self.taste.preference(every, held, self.variety, self.stability)
            latents = self.codec.encode(patches, wish)
            self.taste.vary(latents, every, self.variety)
        else:
            latents = self.codec.encode(patches)
        self.stabiliser.keep(stirred, latents[stirred], self.stability)
        held = self.stabiliser.latents(every)
        assert held is not None
        if self.colours is None:
            self.colours = glances.copy()
        self.colours[stirred] = glances[stirred]
        tiles = paint(self.atlas.gather(self.atlas.encode(held)), self.colour, self.colours)
        mosaic = self.grid.join(tiles)
        return mosaic if mosaic.ndim == 3 else mosaic[:, :, None].repeat(3, 2)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([PLAIN, STRIPES]), COLOURS, st.floats(0, 1), st.floats(0, 1))
def test_skipping_unchanged_cells_gives_the_mosaic_of_not_skipping(
    seed: int, tiles: Path, colour: str, variety: float, stability: float
) -> None:
    made = MosaicFilter.load(tiles, columns=COLUMNS, colour=colour, variety=variety)
    made.stability = stability
    diligent = Diligent(tiles, colour, variety, stability)
    for frame in film(seed):
        assert np.array_equal(made(frame), diligent(frame))


@settings(max_examples=40, deadline=None)
@given(st.data(), SEEDS)
def test_a_filter_with_a_past_gives_the_mosaic_of_a_new_one(data: st.DataObject, seed: int) -> None:
    made = MosaicFilter.load(STRIPES, columns=COLUMNS, stabilise=False)
    for frame in film(seed, length=8):
        asked = {
            "columns": data.draw(st.sampled_from([COLUMNS, 5])),
            "colour": data.draw(COLOURS),
            "variety": data.draw(st.sampled_from([0.0, 0.5, 1.0])),
            "exact": data.draw(st.booleans()),
            "size": data.draw(st.sampled_from([None, (60, 50)])),
        }
        for name, value in asked.items():
            setattr(made, name, value)
        fresh = MosaicFilter.load(STRIPES, stabilise=False, **asked)  # type: ignore[arg-type]
        assert np.array_equal(made(frame), fresh(frame))


@pytest.mark.parametrize("colour", ["mono", "tint", "duo"])
@pytest.mark.parametrize("exact", [False, True])
def test_a_change_of_settings_shows_although_the_scene_is_still(colour: str, exact: bool) -> None:
    frame = next(film(3))
    made = MosaicFilter.load(STRIPES, columns=COLUMNS)
    for _ in range(2):
        made(frame)
    made.colour, made.exact, made.variety = colour, exact, 1
    fresh = MosaicFilter.load(STRIPES, columns=COLUMNS, colour=colour, variety=1, exact=exact)
    fresh.stability = 0
    made.stability = 0
    assert np.array_equal(made(frame), fresh(frame))


@pytest.mark.parametrize("colour", ["mono", "tint"])
def test_a_mosaic_is_the_callers_own(colour: str) -> None:
    frame = next(film(4))
    made = MosaicFilter.load(STRIPES, columns=COLUMNS, colour=colour)
    first = made(frame)
    wanted = first.copy()
    first[:] = 7
    assert np.array_equal(made(frame), wanted)
    assert (first == 7).all()


def test_nothing_is_encoded_while_only_noise_stirs() -> None:
    random = np.random.default_rng(6)
    base = next(film(6)).clip(16, 239).astype(np.float32)
    stabiliser = Stabiliser(TileSet.load(STRIPES))
    grid = Grid.fit((COLUMNS * SIDE, ROWS * SIDE), COLUMNS)
    for number in range(10):
        noisy = np.rint(base + random.normal(0, 4, base.shape)).astype(np.uint8)
        cells = stabiliser.stirred(grid.split(noisy, 4), 0.5)
        assert len(cells) == (grid.count if number == 0 else 0)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.booleans(), SEEDS)
def test_a_canvas_shows_the_last_tile_laid_on_every_cell(
    rows: int, columns: int, side: int, coloured: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    grid = Grid(columns, rows, side, (columns * side, rows * side))
    channels = (3,) if coloured else ()
    canvas, shown = Canvas(grid, channels), np.zeros((grid.count, side, side, *channels), np.uint8)
    for _ in range(3):
        cells = np.flatnonzero(random.random(grid.count) < random.random())
        tiles = random.integers(0, 256, (len(cells), side, side, *channels), np.uint8)
        canvas.lay(tiles, cells)
        shown[cells] = tiles
        picture = grid.join(shown)
        wanted = picture if coloured else picture[:, :, None].repeat(3, 2)
        assert np.array_equal(canvas.picture(), wanted)
