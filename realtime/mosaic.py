"""The filter: frame -> cells -> latents -> tiles -> mosaic."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from realtime import colour as colours
from realtime import tileset
from realtime.arrays import Frame, Latents, Picture, Plane, Size, Tiles, check_frame
from realtime.atlas import Atlas
from realtime.canvas import Canvas
from realtime.codec import Codec
from realtime.grid import Grid, halve, resize
from realtime.stability import Cells, Stabiliser
from realtime.tileset import TileSet
from realtime.variety import Taste


class MosaicFilter:
    """Turns frames into mosaics of generated tiles.

        f = MosaicFilter.load("digits", columns=80)
        mosaic = f(frame)

    Every setting may change between two frames. Not for use by several threads at once.
    """

    def __init__(self, codec: Codec, *, columns: int = 64) -> None:
        """Make a filter around loaded networks; `load` is the usual way."""
        self.stability = 0.5
        self.variety = 0.5
        self.exact = False
        self.size: Size | None = None
        self.wanted_tile_size: int | None = None
        self.timings: dict[str, float] = {}
        self._columns = columns
        self._colour = "mono"
        self._grid: Grid | None = None
        self._canvas: Canvas | None = None
        self._asked: tuple[object, ...] = ()
        self._styled: tuple[object, ...] = ()
        self._use(codec)

    @classmethod
    def load(
        cls,
        tiles: str | Path = "digits",
        columns: int = 64,
        tile_size: int | None = None,
        colour: str = "mono",
        variety: float = 0.5,
        stabilise: bool = True,
        providers: Sequence[str] | None = None,
        *,
        size: Size | None = None,
        exact: bool = False,
    ) -> MosaicFilter:
        """Load a tile set and make a filter of it.

        Args:
            tiles: name of a shipped tile set (`available`), or a folder that holds one.
            columns: tiles from left to right.
            tile_size: pixels along one side of a tile; None: so that the mosaic has about the
                size of the frame.
            colour: `mono`, `tint`, `duo` or `duo:#RRGGBB-#RRGGBB`.
            variety: 0 (most faithful) to 1 (most varied).
            stabilise: keep tiles whose cells change no more than camera noise does. Without it
                equal frames give equal mosaics.
            providers: onnxruntime providers, best first, as `cpu` or its full name; None: CPU.
            size: (width, height) that the mosaic must have exactly; the number of columns is then
                the nearest at which square tiles fit.
            exact: decode every tile of every frame instead of keeping decoded tiles in an atlas.

        Raises:
            UserError: the tile set or a provider is missing or cannot be used.
            ValueError: a number is out of range; the message says found and expected.
        """
        made = cls(Codec(TileSet.load(tiles), providers))
        made.columns = columns
        made.wanted_tile_size = tile_size
        made.colour = colour
        made.variety = _share("variety", variety)
        made.stability = 0.5 if stabilise else 0.0
        made.size = size
        made.exact = exact
        return made

    @staticmethod
    def available() -> list[str]:
        """Names of the shipped tile sets."""
        return tileset.available()

    @property
    def columns(self) -> int:
        """Tiles from left to right: those of the last frame's grid, or as asked before it."""
        return (
            self._grid.columns
            if self._grid and self._asked[2:3] == (self._columns,)
            else self._columns
        )

    @columns.setter
    def columns(self, columns: int) -> None:
        if columns < 1:
            raise ValueError(f"columns: found {columns}, expected 1 or more")
        self._columns = int(columns)

    @property
    def rows(self) -> int:
        """Tiles from top to bottom; 0 before the first frame, whose aspect decides."""
        return self._grid.rows if self._grid else 0

    @property
    def tile_size(self) -> int:
        """Pixels along one side of a tile; 0 before the first frame unless one was asked for."""
        return self._grid.tile_size if self._grid else self.wanted_tile_size or 0

    @property
    def colour(self) -> str:
        """The colour mode."""
        return self._colour

    @colour.setter
    def colour(self, mode: str) -> None:
        self._colour = colours.check(mode)

    @property
    def tile_set(self) -> str:
        """Name of the tile set; assign a name or a folder to change it."""
        return self._codec.tile_set.name

    @tile_set.setter
    def tile_set(self, tiles: str | Path) -> None:
        self._use(Codec(TileSet.load(tiles), self._codec.providers))

    @property
    def providers(self) -> list[str]:
        """The onnxruntime providers that really run, best first."""
        return self._codec.providers

    @property
    def card(self) -> TileSet:
        """What the tile set is like."""
        return self._codec.tile_set

    @property
    def latents(self) -> Latents | None:
        """[N, D] of the last mosaic; None before the first. Not to be changed."""
        return self._stabiliser.held

    def decode(self, latents: Latents, tile_size: int) -> Tiles:
        """Map any [N, D] latents, float32 0..1, to their exact tiles; see `Codec.decode`."""
        return self._codec.decode(latents, tile_size)

    def reset(self) -> None:
        """Forget the past frames."""
        self._stabiliser.reset()
        self._canvas = None

    def __call__(self, frame: Frame) -> Frame:
        """Make the mosaic of a frame.

        Args:
            frame: [H, W, 3] uint8 BGR.

        Returns:
            [rows * T, columns * T, 3] uint8 BGR, or [height, width, 3] if `size` was asked for;
            a new array.

        Raises:
            TypeError, ValueError: `frame` is no frame, or smaller than the grid.
        """
        with _one_opencv_thread():
            return self._filter(frame, self._prepare(check_frame(frame)))

    def _filter(self, frame: Frame, grid: Grid) -> Frame:
        clock = _Clock()
        picture = self._reduce(frame, grid)
        glances = self._glance(picture, grid)
        cells = self._stabiliser.stirred(glances, self.stability)
        clock.lap("split")
        changed = self._encode(picture, grid, cells)
        clock.lap("encode")
        # A new canvas needs all cells, and then all are stirred; tint follows colour besides.
        changed = cells if self._canvas is None or self._colour == "tint" else changed
        tiles = self._decode(changed, grid.tile_size)
        clock.lap("decode")
        mosaic = self._join(tiles, changed, glances, grid)
        clock.lap("join")
        self.timings = clock.laps_ms
        return mosaic

    def _use(self, codec: Codec) -> None:
        self._codec = codec
        self._stabiliser = Stabiliser(codec.tile_set)
        self._canvas = None
        self._taste: Taste | None = None
        self._atlas: Atlas | None = None
        self._asked = self._styled = ()

    def _prepare(self, frame: Frame) -> Grid:
        """The grid for this frame, and what depends on it made anew where anything changed."""
        height, width = frame.shape[:2]
        asked = (width, height, self._columns, self.wanted_tile_size, self.size)
        if self._grid is None or asked != self._asked:
            grid = Grid.fit((width, height), self._columns, self.wanted_tile_size, self.size)
            if grid.columns > width or grid.rows > height:
                raise ValueError(
                    f"frame: found {width}x{height} pixels, expected at least one for each of "
                    f"{grid.columns}x{grid.rows} tiles; ask for fewer columns"
                )
            self._lay(grid)
            self._grid, self._asked = grid, asked
        styled = (self._colour, self.variety, self.exact)
        if styled != self._styled:
            self._stabiliser.look_anew()
            self._canvas, self._styled = None, styled
        return self._grid

    def _lay(self, grid: Grid) -> None:
        self.reset()
        codec = self._codec
        self._taste = Taste(codec.tile_set, grid) if codec.tile_set.kinds else None
        if self._atlas is None or self._atlas.tile_size != grid.tile_size:
            fits = Atlas.fits(codec.tile_set)
            self._atlas = Atlas(codec, grid.tile_size) if fits else None

    def _reduce(self, frame: Frame, grid: Grid) -> Picture:
        """Reduce a frame to the pixels of the patches, [rows * P, columns * P] or with 3 channels.

        It is BGR where colour is asked for. Converting to grey costs more than halving, so of a
        large frame the half is converted.
        """
        tile_set = self._codec.tile_set
        target = (grid.columns * tile_set.patch_size, grid.rows * tile_set.patch_size)
        picture = halve(grid.crop(frame), target)
        coloured = self._colour == "tint" or tile_set.patch_channels == 3
        return resize(picture if coloured else _luminance(picture), target)

    def _glance(self, picture: Picture, grid: Grid) -> Picture:
        """Cells of half the patches' pixels, [N, P / 2, P / 2] or with 3 channels."""
        side = self._codec.tile_set.patch_size
        half = side // 2 if side % 2 == 0 else side
        return grid.cells(halve(picture, (grid.columns * half, grid.rows * half)))

    def _encode(self, picture: Picture, grid: Grid, cells: Cells) -> Cells:
        """Encode these cells, and return those of them whose latents changed."""
        if not len(cells):
            return cells
        grey = self._codec.tile_set.patch_channels == 1
        patches = grid.cells(_luminance(picture) if grey else picture, cells)
        if self._taste is None:
            latents = self._codec.encode(patches)
        else:
            held = self._stabiliser.latents(cells)
            wish = self._taste.preference(cells, held, self.variety, self.stability)
            latents = self._codec.encode(patches, wish)
            self._taste.vary(latents, cells, self.variety)
        return self._stabiliser.keep(cells, latents, self.stability)

    def _decode(self, cells: Cells, tile_size: int) -> Tiles | None:
        """The tiles [n, T, T] or [n, T, T, 3] of these cells; None if there are none."""
        latents = self._stabiliser.latents(cells)
        if latents is None or not len(cells):
            return None
        if self._atlas is None or self.exact:
            return self._codec.decode(latents, tile_size)
        return self._atlas.gather(self._atlas.encode(latents))

    def _join(self, tiles: Tiles | None, cells: Cells, glances: Picture, grid: Grid) -> Frame:
        """Colour the tiles of these cells, lay them among the others, and show them all."""
        if tiles is not None:
            tiles = colours.paint(tiles, self._colour, np.take(glances, cells, axis=0))
            if self._canvas is None:
                self._canvas = Canvas(grid, tiles.shape[3:])
            self._canvas.lay(tiles, cells)
        assert self._canvas is not None
        return self._canvas.picture()


def _luminance(picture: Picture) -> Plane:
    if picture.ndim == 2:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """Let OpenCV work alone for a while.

    Its threads spin for most of a millisecond after each bit of work, which is more CPU time than
    the whole filter takes, and save it none: the bits are too small.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


class _Clock:
    def __init__(self) -> None:
        self.laps_ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps_ms[stage] = (now - self._last) * 1e3
        self._last = now


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: found {value}, expected 0 to 1")
    return float(value)
