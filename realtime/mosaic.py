"""The filter: frame -> cells -> latents -> tiles -> mosaic."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from realtime import colour as colours
from realtime import tileset
from realtime.arrays import Frame, Latents, Picture, Size, Tiles, check_frame
from realtime.atlas import Atlas
from realtime.codec import Codec
from realtime.grid import Grid
from realtime.painting import Painting
from realtime.polarity import PolarityLine
from realtime.reduction import Reduction
from realtime.stability import Cells, Stabiliser
from realtime.threads import one_opencv_thread
from realtime.tileset import TileSet
from realtime.timing import Laps
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
        self.planes = False
        self.share = 1.0
        self.size: Size | None = None
        self.wanted_tile_size: int | None = None
        self.timings: dict[str, float] = {}
        self._columns = columns
        self._colour = "mono"
        self._grid: Grid | None = None
        self._reduction: Reduction | None = None
        self._painting: Painting | None = None
        self._means: Picture | None = None
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

    @property
    def kept_bytes(self) -> int:
        """Bytes of memory that tiles take which are kept, so as to be decoded once only.

        It grows as a scene shows more of them, to `realtime.atlas.MOST_BYTES`, and starts anew with
        another size of tiles or tile set; 0 before the first frame and where none are kept.
        """
        atlas = self._atlas
        return 0 if atlas is None else atlas.nbytes

    def decode(self, latents: Latents, tile_size: int) -> Tiles:
        """Map any [N, D] latents, float32 0..1, to their exact tiles; see `Codec.decode`."""
        return self._codec.decode(latents, tile_size)

    def reset(self) -> None:
        """Forget the past frames."""
        self._stabiliser.reset()
        self._line.reset()
        self._painting = None

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
        return self.make(frame).bgr()

    def make(self, frame: Frame) -> Mosaic:
        """Make the mosaic of a frame, to be had in several forms until the next one is made.

        Args:
            frame: [H, W, 3] uint8 BGR.

        Raises:
            TypeError, ValueError: `frame` is no frame, or smaller than the grid.
        """
        with one_opencv_thread():
            grid = self._prepare(check_frame(frame))
            self._filter(frame, grid)
            assert self._painting is not None
            return Mosaic(self._painting, grid.size, self._mirrored)

    def _filter(self, frame: Frame, grid: Grid) -> None:
        clock, reduction = Laps(), self._reduction
        assert reduction is not None
        picture = reduction.reduce(frame)
        seen = reduction.seen(picture)
        self._follow(seen, reduction)
        glance = reduction.glance(picture if self._colour == "tint" else seen)
        cells = self._stabiliser.stirred(glance, grid, self.stability)
        clock.lap("split")
        changed = self._encode(seen, grid, cells)
        clock.lap("encode")
        # A new canvas needs all cells, and then all are stirred; tint follows colour besides.
        changed = cells if self._painting is None or self._colour == "tint" else changed
        latents = self._stabiliser.latents(changed)
        tiles = self._decode(latents, grid.tile_size) if len(changed) else None
        clock.lap("decode")
        if self._colour == "tint":
            self._means = reduction.means(picture)
        if self._painting is None:
            self._painting = self._blank(grid, planes=self.planes)
        if tiles is not None:
            self._painting.lay(tiles, changed, self._means)
        clock.lap("join")
        self.timings = clock.laps_ms

    def _use(self, codec: Codec) -> None:
        self._codec = codec
        self._stabiliser = Stabiliser(codec.tile_set)
        self._line = PolarityLine()
        self._painting = None
        self._taste: Taste | None = None
        self._atlas: Atlas | None = None
        self._asked = self._styled = ()

    def _prepare(self, frame: Frame) -> Grid:
        """The grid for this frame, and what depends on it made anew where anything changed."""
        height, width = frame.shape[:2]
        asked = (width, height, self._columns, self.wanted_tile_size, self.size, self.share)
        if self._grid is None or asked != self._asked:
            grid = Grid.fit((width, height), self._columns, self.wanted_tile_size, self.size)
            if self.share < 1:
                fewer = max(1, round(self.share * grid.columns))
                grid = Grid.fit((width, height), fewer, None, grid.size)
            if grid.columns > width or grid.rows > height:
                raise ValueError(
                    f"frame: found {width}x{height} pixels, expected at least one for each of "
                    f"{grid.columns}x{grid.rows} tiles; ask for fewer columns"
                )
            self._lay(grid)
            self._grid, self._asked = grid, asked
        styled = (self._colour, self.variety, self.exact, self.planes)
        if styled != self._styled:
            self._stabiliser.look_anew()
            self._painting, self._styled = None, styled
        return self._grid

    def _lay(self, grid: Grid) -> None:
        self.reset()
        codec = self._codec
        self._reduction = Reduction(grid, codec.tile_set)
        self._taste = Taste(codec.tile_set, grid) if codec.tile_set.kinds else None
        if self._atlas is None or self._atlas.tile_size != grid.tile_size:
            fits = Atlas.fits(codec.tile_set)
            self._atlas = Atlas(codec, grid.tile_size) if fits else None

    def _follow(self, seen: Picture, reduction: Reduction) -> None:
        """Move the line of polarity where that spares the picture borders."""
        if not self._codec.tile_set.tone:
            return
        if self.stability <= 0:
            self._line.reset()
        if self._line.due() and self._line.follow(reduction.means(seen)):
            self._stabiliser.look_anew()

    def _encode(self, seen: Picture, grid: Grid, cells: Cells) -> Cells:
        """Encode these cells, and return those of them whose latents changed."""
        if not len(cells):
            return cells
        patches, held = grid.cells(seen, cells), self._stabiliser.latents(cells)
        if self._taste is None:
            latents = self._codec.encode(patches)
        else:
            wish = self._taste.wish(cells, held, self.variety, self.stability, self._line.shift)
            latents = self._codec.encode(patches, wish)
            self._taste.vary(latents, cells, self.variety)
        return self._stabiliser.keep(cells, latents, held, self.stability)

    def _decode(self, latents: Latents | None, tile_size: int) -> Tiles:
        """[n, D] latents -> tiles [n, T, T] or [n, T, T, 3]; good until the next call."""
        assert latents is not None
        if self._atlas is None or self.exact:
            return self._codec.decode(latents, tile_size)
        return self._atlas.decode(latents)

    def _blank(self, grid: Grid, *, planes: bool) -> Painting:
        return Painting(grid, self._colour, self._codec.tile_set.channels, planes=planes)

    def _mirrored(self) -> Frame:
        """The last mosaic as in a mirror, its tiles the right way round."""
        grid, held = self._grid, self._stabiliser.held
        assert grid is not None and held is not None
        turned = np.arange(grid.count).reshape(grid.rows, -1)[:, ::-1].reshape(-1)
        latents = held[turned]
        if self._codec.tile_set.shading:
            across = self._codec.tile_set.slopes.start
            latents[:, across] = 1 - latents[:, across]
        means = None if self._means is None else self._means[:, ::-1]
        with one_opencv_thread():
            painting = self._blank(grid, planes=False)
            painting.lay(self._decode(latents, grid.tile_size), np.arange(grid.count), means)
            return painting.bgr()


class Mosaic:
    """A finished mosaic, in the forms that are wanted of it.

    Each is made when it is first asked for, which must be before the filter makes another mosaic.

    Attributes:
        size: (width, height) in pixels.
    """

    def __init__(self, painting: Painting, size: Size, mirror: Callable[[], Frame]) -> None:
        """Wrap what the filter painted; `mirror` makes the mirrored form."""
        self.size = size
        self.bgr = functools.cache(painting.bgr)
        self.i420 = functools.cache(painting.i420)
        self.mirrored = functools.cache(mirror)


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: found {value}, expected 0 to 1")
    return float(value)
