"""The filter on the CPU: frame -> cells -> latents -> tiles -> mosaic, where something changed."""

from __future__ import annotations

import numpy as np

from realtime.arrays import Frame, Latents, Picture, Size, Tiles
from realtime.atlas import Atlas
from realtime.codec import Codec
from realtime.grid import Grid
from realtime.painting import Painting
from realtime.pipeline import Pipeline, Style, turned
from realtime.polarity import PolarityLine
from realtime.reduction import Reduction
from realtime.stability import Cells, Stabiliser
from realtime.timing import Laps
from realtime.variety import Taste


class Stages(Pipeline):
    """See `Pipeline`. Between stages, everything is an array in plain memory."""

    def __init__(self, codec: Codec) -> None:
        """Start with nothing; `fit` comes first."""
        self._codec = codec
        self._stabiliser = Stabiliser(codec.tile_set)
        self._line = PolarityLine()
        self._taste: Taste | None = None
        self._atlas: Atlas | None = None
        self._grid: Grid | None = None
        self._reduction: Reduction | None = None
        self._painting: Painting | None = None
        self._means: Picture | None = None
        self._style: Style | None = None
        self._timings: dict[str, float] = {}

    @property
    def latents(self) -> Latents | None:
        """See `Pipeline.latents`."""
        return self._stabiliser.held

    @property
    def keeps_tiles(self) -> bool:
        """See `Pipeline.keeps_tiles`."""
        return Atlas.fits(self._codec.tile_set)

    @property
    def kept_bytes(self) -> int:
        """See `Pipeline.kept_bytes`."""
        return 0 if self._atlas is None else self._atlas.nbytes

    @property
    def timings(self) -> dict[str, float]:
        """See `Pipeline.timings`."""
        return self._timings

    def fit(self, grid: Grid, frame_size: Size) -> None:
        """See `Pipeline.fit`."""
        self.reset()
        codec = self._codec
        self._grid = grid
        self._reduction = Reduction(grid, codec.tile_set)
        self._taste = Taste(codec.tile_set, grid) if codec.tile_set.kinds else None
        if self._atlas is None or self._atlas.tile_size != grid.tile_size:
            fits = Atlas.fits(codec.tile_set)
            self._atlas = Atlas(codec, grid.tile_size) if fits else None

    def reset(self) -> None:
        """See `Pipeline.reset`."""
        self._stabiliser.reset()
        self._line.reset()
        self._painting = None

    def make(self, frame: Frame, style: Style, stability: float) -> Painting:
        """See `Pipeline.make`."""
        if style != self._style:
            self._stabiliser.look_anew()
            self._painting, self._style = None, style
        grid, reduction = self._grid, self._reduction
        assert grid is not None and reduction is not None
        clock, tint = Laps(), style.colour == "tint"
        picture = reduction.reduce(frame)
        seen = reduction.seen(picture)
        self._follow(seen, reduction, stability)
        glance = reduction.glance(picture if tint else seen)
        cells = self._stabiliser.stirred(glance, grid, stability)
        clock.lap("split")
        changed, latents = self._encode(seen, grid, cells, style.variety, stability)
        clock.lap("encode")
        # A new canvas needs all cells, and then all are stirred; tint follows colour besides.
        if self._painting is None or tint:
            changed, latents = cells, self._stabiliser.latents(cells)
        patient = stability > 0
        tiles = self._decode(latents, grid, style, patient) if len(changed) else None
        clock.lap("decode")
        self._means = reduction.means(picture) if tint else None
        painting = self._painting or self._blank(grid, style.colour, planes=style.planes)
        if tiles is not None:
            painting.lay(tiles, changed, self._means)
        clock.lap("join")
        self._painting, self._timings = painting, clock.laps_ms
        return painting

    def mirrored(self) -> Frame:
        """See `Pipeline.mirrored`."""
        grid, held, style = self._grid, self._stabiliser.held, self._style
        assert grid is not None and held is not None and style is not None
        latents = turned(held, grid, self._codec.tile_set)
        means = None if self._means is None else self._means[:, ::-1]
        painting = self._blank(grid, style.colour, planes=False)
        painting.lay(self._decode(latents, grid, style), np.arange(grid.count), means)
        return painting.bgr()

    def _follow(self, seen: Picture, reduction: Reduction, stability: float) -> None:
        """Move the line of polarity where that spares the picture borders."""
        if not self._codec.tile_set.tone:
            return
        if stability <= 0:
            self._line.reset()
        if self._line.due() and self._line.follow(reduction.means(seen)):
            self._stabiliser.look_anew()

    def _encode(
        self, seen: Picture, grid: Grid, cells: Cells, variety: float, stability: float
    ) -> tuple[Cells, Latents | None]:
        """Encode these cells; return those of them whose latents changed, and their latents."""
        if not len(cells):
            return cells, None
        patches, held = grid.cells(seen, cells), self._stabiliser.latents(cells)
        if self._taste is None:
            latents = self._codec.encode(patches)
        else:
            wish = self._taste.wish(cells, held, variety, stability, self._line.shift)
            latents = self._codec.encode(patches, wish)
            self._taste.vary(latents, cells, variety)
        return self._stabiliser.keep(cells, latents, held, stability)

    def _decode(
        self, latents: Latents | None, grid: Grid, style: Style, patient: bool = False
    ) -> Tiles:
        """[n, D] latents -> tiles [n, T, T] or [n, T, T, 3]; good until the next call."""
        assert latents is not None
        if self._atlas is None or style.exact:
            return self._codec.decode(latents, grid.tile_size)
        return self._atlas.decode(latents, patient=patient)

    def _blank(self, grid: Grid, colour: str, *, planes: bool) -> Painting:
        return Painting(grid, colour, self._codec.tile_set.channels, planes=planes)
