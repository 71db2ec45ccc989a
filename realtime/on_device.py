"""The filter on a device with memory of its own: one upload, one run, one download a frame.

What runs is `realtime.whole_graph`. What it remembers stays on the device, in two sets of tensors
that take turns: one run reads the first and writes the second, the next one the other way round.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime import colour as colours
from realtime import planes
from realtime.arrays import Frame, Latents, Plane, Size
from realtime.codec import Codec
from realtime.device_run import Device, DeviceRun
from realtime.errors import UserError
from realtime.grid import Grid
from realtime.merging import merge
from realtime.painting import Painting
from realtime.pipeline import Pipeline, Style, turned
from realtime.polarity import PolarityLine
from realtime.stability import TONE_TOLERANCE
from realtime.timing import Laps
from realtime.variety import Taste, leeway, strength
from realtime.whole_graph import NUMBERS

Numbers = npt.NDArray[np.float32]


class OnDevice(Pipeline):
    """See `Pipeline`. A new size, grid or kind of colours takes a new graph; nothing else does."""

    def __init__(self, codec: Codec) -> None:
        """Start with nothing; `fit` comes first."""
        self._codec = codec
        self._line = PolarityLine()
        self._run: DeviceRun | None = None
        self._kind = ""
        self._style: Style | None = None
        self._timings: dict[str, float] = {}
        self.reset()

    @property
    def latents(self) -> Latents | None:
        """See `Pipeline.latents`."""
        return self._run.state("held") if self._run is not None and self._holds else None

    @property
    def keeps_tiles(self) -> bool:
        """See `Pipeline.keeps_tiles`."""
        return False

    @property
    def kept_bytes(self) -> int:
        """See `Pipeline.kept_bytes`."""
        return 0

    @property
    def timings(self) -> dict[str, float]:
        """See `Pipeline.timings`: "upload", "decode", which is all that is computed, "download"."""
        return self._timings

    def fit(self, grid: Grid, frame_size: Size) -> None:
        """See `Pipeline.fit`."""
        self.reset()
        tile_set = self._codec.tile_set
        self._grid, self._frame_size = grid, frame_size
        self._taste = Taste(tile_set, grid) if tile_set.kinds else None
        self._run = None

    def reset(self) -> None:
        """See `Pipeline.reset`."""
        self._line.reset()
        self._holds, self._anew = False, True

    def make(self, frame: Frame, style: Style, stability: float) -> Downloaded:
        """See `Pipeline.make`."""
        run = self._prepared(style)
        clock = Laps()
        run.put("frame", frame)
        clock.lap("upload")
        self._compute(run, style.variety, stability)
        clock.lap("decode")
        mosaic = Downloaded(run.get("mosaic"))
        clock.lap("download")
        self._timings = clock.laps_ms
        return mosaic

    def mirrored(self) -> Frame:
        """See `Pipeline.mirrored`."""
        held, run, style = self.latents, self._run, self._style
        assert held is not None and run is not None and style is not None
        grid, tile_set = self._grid, self._codec.tile_set
        tiles = self._codec.decode(turned(held, grid, tile_set), grid.tile_size)
        means = None
        if style.colour == "tint":
            shown = np.asarray(run.state("colours"), np.uint8)
            means = shown.reshape(grid.rows, grid.columns, 3)[:, ::-1]
        painting = Painting(grid, style.colour, tile_set.channels)
        painting.lay(tiles, np.arange(grid.count), means)
        return painting.bgr()

    def _prepared(self, style: Style) -> DeviceRun:
        """What runs the graph, made anew where this style takes another one."""
        if self._run is not None and style == self._style:
            return self._run
        kind = style.colour.partition(":")[0]
        if self._run is None or kind != self._kind:
            self._run = self._start(kind, self.latents)
        if kind == "duo":
            table = colours.duo_table(style.colour)
            self._run.put("ends", table[[0, -1], 0].astype(np.float32))
        self._kind, self._style, self._anew = kind, style, True
        return self._run

    def _start(self, kind: str, held: Latents | None) -> DeviceRun:
        """Make a graph and have it ready to run, with latents that an earlier one held."""
        # The earlier one lets go of its memory first.
        self._run = None
        plan, model = merge(self._codec.tile_set, self._grid, self._frame_size, kind)
        run = DeviceRun(Device.of(self._codec.providers), plan, model)
        if self._taste is not None:
            fixed = {
                "noise": self._taste.noise,
                "dither": self._taste.dither,
                "offsets": self._taste.offsets.T,
            }
            for name in fixed.keys() & plan.inputs():
                run.put(name, fixed[name])
        self._holds = held is not None
        if held is not None:
            run.put_state("held", held)
        return run

    def _compute(self, run: DeviceRun, variety: float, stability: float) -> None:
        tone = self._codec.tile_set.tone
        if tone and stability <= 0:
            self._line.reset()
        look = tone and self._line.due()
        run.put("numbers", self._numbers(variety, stability))
        run.compute()
        if look and self._line.follow(_means(run)):
            # The line must be where it belongs before this frame is encoded, so encode it again.
            self._anew = True
            run.put("numbers", self._numbers(variety, stability))
            run.compute(again=True)
        if run.judges:
            self._check(run)
        self._holds, self._anew = True, False

    def _numbers(self, variety: float, stability: float) -> Numbers:
        """The settings as the graph takes them, see `whole_graph.NUMBERS`."""
        firm, held = stability > 0, self._holds
        values = {
            "patience": stability * TONE_TOLERANCE * 255 if firm and not self._anew else -1,
            "firmness": stability if firm and held else -1,
            "loyalty": stability if held else 0,
            "taste": strength(variety),
            "forgiveness": leeway(variety),
            "variety": leeway(variety),
            "shift": self._line.shift,
        }
        return np.array([values[name] for name in NUMBERS], np.float32)

    def _check(self, run: DeviceRun) -> None:
        """Refuse what is no picture, as `GuardedSession` does, and do not remember it.

        Raises:
            UserError: a network gave numbers out of range, or none.
        """
        judgement = run.get("judgement").reshape(2, 2)
        for name, (wrong, total) in zip(("latents", "tiles"), judgement, strict=True):
            if wrong or not np.isfinite(total):
                run.undo()
                folder = self._codec.tile_set.folder
                raise UserError(f"{folder}: found {name} out of the range 0 to 1")


class Downloaded:
    """A mosaic that has come from the device, [height, width, 3] uint8 BGR."""

    def __init__(self, pixels: Frame) -> None:
        """Wrap it; nobody else has it."""
        self._pixels = pixels

    def bgr(self) -> Frame:
        """See `Painted.bgr`; the same array again when asked again, for `Mosaic` asks once."""
        return self._pixels

    def i420(self) -> Plane:
        """See `Painted.i420`."""
        return planes.from_bgr(self._pixels)


def _means(run: DeviceRun) -> Plane:
    """Mean tones of the cells, [rows, columns] uint8, or with 3 channels."""
    means = run.get("means")
    return np.asarray(means[0] if len(means) == 1 else means.transpose(1, 2, 0), np.uint8)
