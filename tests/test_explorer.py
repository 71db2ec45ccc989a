"""The map of a tile set: where points lie on it, what a click shows, and the window."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realtime import MosaicFilter, drawing
from realtime.arrays import Latents, Size, Tiles
from realtime.explorer import Explorer
from realtime.manifold import Manifold, Place, mark
from realtime.tileset import TileSet
from realtime.window import Window
from tests.fakes import plain
from tests.tile_sets import PLAIN, STRIPES
from tests.x11 import click, close, needs_tools, press, screenshot, windows

SIZE: Size = (960, 440)


class FakeDecoder:
    """Makes tiles whose tone is their first style, and remembers the latents.

    Args:
        kinds: of the tile set.
        shape_latents: of the tile set, the kind included.
        tone: whether tone and polarity follow.
    """

    def __init__(self, kinds: int = 10, shape_latents: int = 3, tone: bool = True) -> None:
        card = TileSet.load(STRIPES)
        self.card = replace(card, kinds=kinds, shape_latents=shape_latents, tone=tone, classes=())
        self.latents: Latents | None = None
        self.decoded: list[Latents] = []

    def decode(self, latents: Latents, tile_size: int) -> Tiles:
        assert latents.shape[1] == self.card.latents and latents.dtype == np.float32
        assert latents.min() >= 0 and latents.max() <= 1
        self.decoded.append(latents)
        style = latents[:, 1 if self.card.kinds else 0]
        tiles = np.repeat((style * 255).astype(np.uint8), tile_size * tile_size)
        return tiles.reshape(-1, tile_size, tile_size)


SHAPES = [(10, 3, True), (2, 2, True), (0, 2, False), (0, 1, False), (0, 8, True), (26, 4, True)]


@pytest.mark.parametrize(("kinds", "shape_latents", "tone"), SHAPES)
class TestManifold:
    """Places and pixels, for tile sets of every build."""

    def test_fits_and_is_drawn(self, kinds: int, shape_latents: int, tone: bool) -> None:
        made = FakeDecoder(kinds, shape_latents, tone)
        manifold = Manifold(made.card, made.decode, SIZE)
        height, width = manifold.picture.shape[:2]
        assert width <= SIZE[0] and height <= SIZE[1]
        assert manifold.side >= 40
        assert len(made.decoded) == max(1, kinds), "one pass for every square"

    def test_there_and_back(self, kinds: int, shape_latents: int, tone: bool) -> None:
        made = FakeDecoder(kinds, shape_latents, tone)
        manifold = Manifold(made.card, made.decode, SIZE)
        styles = shape_latents - (1 if kinds else 0)
        for kind in {0, max(0, kinds - 1)}:
            down = 0.75 if styles > 1 else 0.92
            place = Place(kind, 0.25, down)
            latents = manifold.latents(place)
            found = manifold.place_of(latents)
            assert found.kind == kind
            assert (found.across, found.down) == pytest.approx((0.25, down))
            assert manifold.points(latents).tolist() == [list(manifold.pixel_of(place))]
            back = manifold.place_at(*manifold.pixel_of(place))
            assert back is not None and back.kind == kind
            assert abs(back.across - 0.25) < 0.02 and abs(back.down - down) < 0.02

    def test_every_latent_lies_within_its_square(
        self, kinds: int, shape_latents: int, tone: bool
    ) -> None:
        made = FakeDecoder(kinds, shape_latents, tone)
        manifold = Manifold(made.card, made.decode, SIZE)
        random = np.random.default_rng(0)
        latents = random.uniform(-0.1, 1.1, (500, made.card.latents)).astype(np.float32)
        for (x, y), kind in zip(
            manifold.points(latents).tolist(), manifold.kinds_of(latents).tolist(), strict=True
        ):
            place = manifold.place_at(x, y)
            assert place is not None and place.kind == kind


def test_between_the_squares_there_is_nothing() -> None:
    made = FakeDecoder()
    manifold = Manifold(made.card, made.decode, SIZE)
    assert manifold.place_at(0, 0) is None
    assert manifold.place_at(10_000, 10_000) is None


def test_tones_have_the_polarity_that_suits_them() -> None:
    made = FakeDecoder()
    manifold = Manifold(made.card, made.decode, SIZE)
    dark, light = (manifold.latents(Place(0, 0.5, 0.5), tone)[0] for tone in (0.0, 1.0))
    assert dark[-2:].tolist() == pytest.approx([0.05, 0.0])
    assert light[-2:].tolist() == pytest.approx([0.95, 1.0])


def test_points_at_the_border_are_marked_too() -> None:
    picture = plain(0, (20, 10))
    mark(picture, np.array([[0, 0], [19, 9], [10, 5], [10, 5]]))
    for x, y in ((0, 0), (19, 9), (10, 5), (11, 6)):
        assert tuple(picture[y, x].tolist()) == drawing.ACCENT
    assert tuple(picture[7, 10].tolist()) == drawing.PAPER


class TestExplorer:
    """The picture in the window."""

    def test_before_any_mosaic(self) -> None:
        picture = Explorer(FakeDecoder()).draw()
        assert picture.ndim == 3 and picture.shape[1] < 1300 and picture.shape[0] < 700

    def test_shows_where_the_tiles_are(self) -> None:
        made = FakeDecoder()
        explorer = Explorer(made)
        before = explorer.draw()
        made.latents = np.full((6, 5), 0.25, np.float32)
        after = explorer.draw()
        manifold = Manifold(made.card, made.decode, SIZE)
        x, y = manifold.pixel_of(Place(2, 0.25, 0.25))
        assert tuple(after[y, x].tolist()) == drawing.ACCENT != tuple(before[y, x].tolist())

    def test_begins_with_a_tile_of_the_picture(self) -> None:
        made = FakeDecoder()
        made.latents = np.full((5, 5), 0.9, np.float32)
        Explorer(made).draw()
        assert made.decoded[10][0, :3].tolist() == pytest.approx([0.95, 0.9, 0.9])

    def test_a_click_shows_the_tile_there(self) -> None:
        made = FakeDecoder()
        explorer = Explorer(made)
        explorer.draw()
        made.decoded.clear()
        manifold = Manifold(made.card, made.decode, SIZE)
        made.decoded.clear()
        explorer.choose(*manifold.pixel_of(Place(7, 0.8, 0.2)))
        explorer.draw()
        assert made.decoded[0][0, :3].tolist() == pytest.approx([0.75, 0.8, 0.2], abs=0.01)
        made.decoded.clear()
        explorer.choose(0, 0)
        explorer.draw()
        assert made.decoded == [], "a click beside the map changes nothing"

    def test_neighbours_of_one_name_share_it(self) -> None:
        made = FakeDecoder(kinds=4, shape_latents=2)
        explorer = Explorer(made)
        made.latents = np.full((6, 4), 0.1, np.float32)
        each = explorer.draw()
        made.card = replace(made.card, classes=("cat", "cat", "dog", "dog"))
        shared = explorer.draw()
        x, _ = Manifold(made.card, made.decode, SIZE).corner(1)
        label = slice(0, 18), slice(x, x + 60)
        assert (each[label] != drawing.PAPER).any()
        assert (shared[label] == drawing.PAPER).all()

    def test_names_too_long_for_their_squares_are_left_out(self) -> None:
        made = FakeDecoder(kinds=4, shape_latents=2)
        made.latents = np.full((6, 4), 0.1, np.float32)
        made.card = replace(made.card, classes=("cat", "x" * 200, "dog", "cow"))
        area = Manifold(made.card, made.decode, SIZE).picture
        assert (Explorer(made).draw()[:18, : area.shape[1]] == drawing.PAPER).all()

    def test_long_lines_are_made_to_fit(self) -> None:
        made = FakeDecoder(kinds=4, shape_latents=2)
        made.card = replace(made.card, title="a title " * 8)
        edge = Explorer(made).draw()[:, -8:]
        assert (edge == drawing.PAPER).all()

    def test_another_tile_set_is_another_map(self) -> None:
        made = FakeDecoder()
        explorer = Explorer(made)
        first = explorer.draw()
        made.card = replace(made.card, kinds=0, shape_latents=2, tone=False)
        made.latents = np.zeros((4, 5), np.float32)  # still those of the set before
        assert explorer.draw().shape != first.shape

    @pytest.mark.parametrize("tiles", [PLAIN, STRIPES])
    def test_with_the_real_filter(self, tiles: Path) -> None:
        mosaic_filter = MosaicFilter.load(tiles, columns=8)
        explorer = Explorer(mosaic_filter)
        before = explorer.draw()
        mosaic_filter(plain(90, (64, 48)))
        latents = mosaic_filter.latents
        assert latents is not None and latents.shape == (48, mosaic_filter.card.latents)
        assert (explorer.draw() != before).any()


@needs_tools
def test_the_window(display: str) -> None:
    made = FakeDecoder()
    explorer = Explorer(made, "map test")
    with Window("map test's neighbour") as window:
        window.send(plain(9, (320, 200)), 0)
        assert not explorer.is_open
        explorer.open()
        window.key(0.3)
        assert explorer.is_open
        assert screenshot("map test").shape == explorer.draw().shape
        made.decoded.clear()
        click("map test", *Manifold(made.card, made.decode, SIZE).pixel_of(Place(3, 0.5, 0.5)))
        _await_key(window)
        explorer.update()
        assert any(latents[0, 0] == np.float32(0.35) for latents in made.decoded[10:])
        press("map test", "x")
        assert window.key(2) == ord("x"), "keys count in either window"
        close("map test")
        _await_key(window)
        assert not explorer.is_open and windows("map test") == []
        explorer.update()
        assert windows("map test") == [], "it is not opened again by itself"
        explorer.open()
        explorer.close()
        explorer.close()
        assert not explorer.is_open and not window.closed


def _await_key(window: Window) -> None:
    """Let the windows handle their events for a while."""
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        window.key(0.05)
