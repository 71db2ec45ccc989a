"""Work that is skipped changes nothing: kept tiles, kept cells and kept settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import MosaicFilter
from realtime.arrays import Frame, Latents
from realtime.atlas import Atlas
from realtime.canvas import SheetCanvas
from realtime.codec import Codec
from realtime.colour import duo, tint
from realtime.grid import Grid
from realtime.planes import from_bgr
from realtime.polarity import PolarityLine
from realtime.reduction import Reduction
from realtime.stability import Cells, Stabiliser
from realtime.tileset import TileSet
from realtime.variety import Taste
from tests.tile_sets import PLAIN, SLOPES, STRIPES

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
        self.reduction = Reduction(self.grid, self.codec.tile_set)
        self.atlas = Atlas(self.codec, self.grid.tile_size)
        self.taste = Taste(self.codec.tile_set, self.grid) if self.codec.tile_set.kinds else None
        self.line = PolarityLine()
        self.stabiliser = Stabiliser(self.codec.tile_set)
        self.colour, self.variety, self.stability = colour, variety, stability
        self.means: Frame | None = None

    def __call__(self, frame: Frame) -> Frame:
        """[48, 64, 3] uint8 BGR -> the mosaic of the same shape."""
        picture = self.reduction.reduce(frame)
        grey = self.reduction.seen(picture)
        self.follow(grey)
        glance = self.reduction.glance(picture if self.colour == "tint" else grey)
        every, held = np.arange(self.grid.count), self.stabiliser.held
        stirred = self.stabiliser.stirred(glance, self.grid, self.stability)
        latents = self.encode(grey, every, held)
        before = self.stabiliser.latents(stirred)
        new = latents[stirred].copy(order="F")
        self.stabiliser.keep(stirred, new, before, self.stability)
        held = self.stabiliser.latents(every)
        assert held is not None
        means = self.reduction.means(picture).reshape(self.grid.count, -1)
        if self.means is None:
            self.means = means
        self.means[stirred] = means[stirred]
        tiles = self.atlas.decode(held)
        if self.colour == "duo":
            tiles = duo(tiles, "duo")
        if self.colour == "tint":
            tiles = tint(tiles, self.means)
        mosaic = self.grid.join(tiles)
        return mosaic if mosaic.ndim == 3 else mosaic[:, :, None].repeat(3, 2)

    def encode(self, grey: Frame, cells: Cells, held: Latents | None) -> Latents:
        """The latents of these cells, as if nothing were known of them."""
        patches = self.grid.cells(grey)
        if self.taste is None:
            return self.codec.encode(patches)
        wish = self.taste.wish(cells, held, self.variety, self.stability, self.line.shift)
        latents = self.codec.encode(patches, wish)
        self.taste.vary(latents, cells, self.variety)
        return latents

    def follow(self, grey: Frame) -> None:
        """Move the line of polarity as the filter does."""
        if self.codec.tile_set.tone:
            if self.stability <= 0:
                self.line.reset()
            if self.line.due() and self.line.follow(self.reduction.means(grey)):
                self.stabiliser.look_anew()


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([PLAIN, STRIPES, SLOPES]), COLOURS, st.floats(0, 1), st.floats(0, 1))
def test_skipping_unchanged_cells_gives_the_mosaic_of_not_skipping(
    seed: int, tiles: Path, colour: str, variety: float, stability: float
) -> None:
    made = MosaicFilter.load(tiles, columns=COLUMNS, colour=colour, variety=variety)
    made.stability = stability
    diligent = Diligent(tiles, colour, variety, stability)
    with pytest.MonkeyPatch.context() as patch:
        # What stands in for a tile depends on which ones were wanted before.
        patch.setattr("realtime.atlas.ENOUGH", 0)
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
    reduction = Reduction(grid, TileSet.load(STRIPES))
    for number in range(10):
        noisy = np.rint(base + random.normal(0, 4, base.shape)).astype(np.uint8)
        glance = reduction.glance(reduction.seen(reduction.reduce(noisy)))
        cells = stabiliser.stirred(glance, grid, 0.5)
        assert len(cells) == (grid.count if number == 0 else 0)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.booleans(), SEEDS)
def test_a_canvas_shows_the_last_tile_laid_on_every_cell(
    rows: int, columns: int, side: int, coloured: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    grid = Grid(columns, rows, side, (columns * side, rows * side))
    canvas = SheetCanvas(grid, (3,) if coloured else ())
    channels = (3,) if coloured else ()
    shown = np.zeros((grid.count, side, side, *channels), np.uint8)
    for _ in range(3):
        cells = np.flatnonzero(random.random(grid.count) < random.random())
        tiles = random.integers(0, 256, (len(cells), side, side, *channels), np.uint8)
        canvas.lay(tiles, cells)
        shown[cells] = tiles
        picture = grid.join(shown)
        wanted = picture if coloured else picture[:, :, None].repeat(3, 2)
        assert np.array_equal(canvas.bgr(), wanted)
        assert np.abs(canvas.i420().astype(int) - from_bgr(wanted)).max() <= 1
