"""The filter: settings, which may change between frames, and the mosaics they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from realtime import colour as colours
from realtime import tileset
from realtime.arrays import Frame, Latents, Picture, Plane, Size, Tiles, check_frame
from realtime.codec import Codec
from realtime.grid import Grid
from realtime.pipeline import Painted, Pipeline, Style
from realtime.providers import PROVIDERS
from realtime.stages import Stages
from realtime.threads import OneOpencvThread
from realtime.tileset import TileSet


class MosaicFilter:
    """Turns frames into mosaics of generated tiles.

        f = MosaicFilter.load("digits", columns=80)
        mosaic = f(frame)

    Every setting may change between two frames. Not for use by several threads at once.
    """

    def __init__(self, codec: Codec, *, columns: int = 64, whole: bool | None = None) -> None:
        """Make a filter around loaded networks; `load` is the usual way.

        Args:
            codec: the networks.
            columns: tiles from left to right.
            whole: compute every frame in one run, see `realtime.on_device`; None: where the
                provider is not the CPU.
        """
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
        self._asked: tuple[object, ...] = ()
        self._whole = whole
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
                With any other one first, the whole filter is computed there, and every tile
                decoded exactly.
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
    def decodes_all(self) -> bool:
        """Whether all tiles are decoded for every frame, rather than kept in an atlas."""
        return self.exact or not self._pipeline.keeps_tiles

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
        return self._pipeline.latents

    @property
    def kept_bytes(self) -> int:
        """Bytes of memory that tiles take which are kept, so as to be decoded once only.

        It grows as a scene shows more of them, to `realtime.atlas.MOST_BYTES`, and starts anew with
        another size of tiles or tile set; 0 before the first frame and where none are kept.
        """
        return self._pipeline.kept_bytes

    def decode(self, latents: Latents, tile_size: int) -> Tiles:
        """Map any [N, D] latents, float32 0..1, to their exact tiles; see `Codec.decode`."""
        return self._codec.decode(latents, tile_size)

    def reset(self) -> None:
        """Forget the past frames."""
        self._pipeline.reset()

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
            UserError: a network of the tile set gives what is no picture.
            DeviceError: a device other than the CPU fails.
        """
        with OneOpencvThread():
            grid = self._prepare(check_frame(frame))
            style = Style(self._colour, self.variety, self.exact, self.planes)
            painted = self._pipeline.make(frame, style, self.stability)
            self.timings = dict(self._pipeline.timings)
            return Mosaic(painted, grid.size, self._pipeline.mirrored)

    def _use(self, codec: Codec) -> None:
        self._codec = codec
        self._pipeline = _pipeline(codec, self._whole)
        self._asked = ()

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
            self._pipeline.fit(grid, (width, height))
            self._grid, self._asked = grid, asked
        return self._grid


class Mosaic:
    """A finished mosaic, in the forms that are wanted of it.

    Each is made when it is first asked for, which must be before the filter makes another mosaic.

    Attributes:
        size: (width, height) in pixels.
    """

    def __init__(self, painted: Painted, size: Size, mirror: Callable[[], Frame]) -> None:
        """Wrap what the filter painted; `mirror` makes the mirrored form."""
        self.size = size
        self._made: dict[str, Picture] = {}
        self._makers = {"bgr": painted.bgr, "i420": painted.i420, "mirrored": mirror}

    def bgr(self) -> Frame:
        """The mosaic, [height, width, 3] uint8 BGR."""
        return self._form("bgr")

    def i420(self) -> Plane:
        """The mosaic as planes, see `realtime.planes`."""
        return self._form("i420")

    def mirrored(self) -> Frame:
        """The mosaic as in a mirror, its tiles the right way round, uint8 BGR."""
        return self._form("mirrored")

    def _form(self, name: str) -> Picture:
        if name not in self._made:
            with OneOpencvThread():
                self._made[name] = self._makers[name]()
        return self._made[name]


def _pipeline(codec: Codec, whole: bool | None) -> Pipeline:
    """What computes: in one run on devices with memory of their own, unless said otherwise."""
    if whole is None:
        whole = codec.providers[0] != PROVIDERS["cpu"]
    if not whole:
        return Stages(codec)
    # Imported here, for most do without it, and it loads the package onnx.
    from realtime.on_device import OnDevice

    return OnDevice(codec)


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: found {value}, expected 0 to 1")
    return float(value)
