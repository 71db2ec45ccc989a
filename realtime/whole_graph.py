"""The whole filter as one ONNX graph: frame in, mosaic out, for devices with memory of their own.

What a frame takes there is one upload, one run and one download. The graph does what `Reduction`,
`Stabiliser`, `Taste`, `Codec` and `Painting` do on the CPU, in the same order, to the rounding, but
for all cells of every frame: on such devices that costs less than to pick some. What it remembers
from frame to frame, it gives and takes as tensors:

    seen     [1, C, 2 * rows, 2 * columns] float32: what cells were like when last encoded
    held     [N, D] float32: latents
    colours  [N, 3] float32: of cells when last encoded; for `tint`

Settings are numbers that go in, so that turning a knob makes no new graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from realtime import graph_pictures as pictures
from realtime.arrays import Size, parts
from realtime.graph_pictures import Pixels
from realtime.grid import Grid
from realtime.guarded import ROUNDING
from realtime.onnx_graph import GraphBuilder
from realtime.ports import COUNT, Ports, decoder_ports, regressor_ports
from realtime.stability import tolerances
from realtime.tileset import TileSet
from realtime.variety import LOYALTY, POLARITY_LOYALTY, STEEP, STYLE_SPREAD

NUMBERS = ("patience", "firmness", "loyalty", "taste", "forgiveness", "variety", "shift")
"""What `numbers` consists of, in order.

patience: levels that a cell may differ from what was seen; below 0, all cells are encoded.
firmness: times the tolerances of `realtime.stability`; below 0, no latents are kept.
loyalty: 0..1, how much the last choice is kept.
taste: strength of the noise in scores.
forgiveness, shift: see `Wish`, `PolarityLine`.
variety: 0..1, times the spread of styles.
"""

Shape = tuple[int, ...]
Port = tuple[npt.DTypeLike, Shape]


@dataclass(frozen=True)
class Plan:
    """What a graph is made for.

    Attributes:
        tile_set: whose networks are in it.
        grid: of the mosaics.
        frame_size: (width, height) of the frames.
        colour: "mono", "tint" or "duo"; the two colours of the latter go in as numbers.
        parts: how many times the networks run, each time for some cells; more take less memory.
        judged: whether it tells if the networks gave what is no picture.
    """

    tile_set: TileSet
    grid: Grid
    frame_size: Size
    colour: str
    parts: int = 1
    judged: bool = False

    def inputs(self) -> dict[str, Port]:
        """Kinds and shapes of what goes in, by name; `state` besides."""
        (width, height), count, tile_set = self.frame_size, self.grid.count, self.tile_set
        ports: dict[str, Port] = {
            "frame": (np.uint8, (height, width, 3)),
            "numbers": (np.float32, (len(NUMBERS),)),
        }
        if tile_set.kinds:
            ports["noise"] = (np.float32, (count, tile_set.kinds))
            if tile_set.tone:
                ports["dither"] = (np.float32, (count,))
            if tile_set.styles:
                ports["offsets"] = (np.float32, (count, tile_set.styles))
        if self.colour == "duo":
            ports["ends"] = (np.float32, (2, 3))
        return ports

    def state(self) -> dict[str, Port]:
        """Kinds and shapes of what it remembers, by name; it comes out with " next" after it."""
        grid, seen = self.grid, self.tile_set.patch_channels
        channels = 3 if self.colour == "tint" else seen
        ports: dict[str, Port] = {
            "seen": (np.float32, (1, channels, 2 * grid.rows, 2 * grid.columns)),
            "held": (np.float32, (grid.count, self.tile_set.latents)),
        }
        if self.colour == "tint":
            ports["colours"] = (np.float32, (grid.count, 3))
        return ports

    def outputs(self) -> dict[str, Port]:
        """Kinds and shapes of what comes out, by name, the state left out."""
        width, height = self.grid.size
        ports: dict[str, Port] = {"mosaic": (np.uint8, (height, width, 3))}
        if self.tile_set.tone:
            channels = self.tile_set.patch_channels
            ports["means"] = (np.uint8, (channels, self.grid.rows, self.grid.columns))
        if self.judged:
            ports["judgement"] = (np.float32, (4,))
        return ports


def build(plan: Plan, regressor: Any, decoder: Any) -> Any:
    """Put a graph together.

    Args:
        plan: what for.
        regressor: its `onnx.ModelProto`.
        decoder: the same, of the same operator set.

    Returns:
        An `onnx.ModelProto` that takes and gives what the plan says.
    """
    return _Whole(plan, regressor, decoder).model


class _Whole:
    """Builds a graph; every method is a stage, and gives names of tensors."""

    def __init__(self, plan: Plan, regressor: Any, decoder: Any) -> None:
        self._plan, self._regressor, self._decoder = plan, regressor, decoder
        self._given: dict[str, str] = {}
        self._judged: list[str] = []
        self._g = g = GraphBuilder(decoder.opset_import[0].version)
        self._in = {
            name: g.input(name, *port) for name, port in {**plan.inputs(), **plan.state()}.items()
        }
        self._number = {
            name: g.cut(self._in["numbers"], 0, at, at + 1) for at, name in enumerate(NUMBERS)
        }
        self._compose()
        for name, (dtype, shape) in plan.state().items():
            g.output(f"{name} next", self._given[name], dtype, shape)
        for name, (dtype, shape) in plan.outputs().items():
            g.output(name, g.cast(g.reshape(self._given[name], *shape), dtype), dtype, shape)
        self.model = g.model("automosaics")

    def _compose(self) -> None:
        tint = self._plan.colour == "tint"
        picture = self._reduced()
        seen = self._seen(picture)
        stirred = self._stirred(picture if tint else seen)
        latents = self._varied(self._encoded(seen))
        self._given["held"] = held = self._kept(stirred, latents)
        tiles = self._levels(held)
        if tint:
            colours = self._cells(self._means(picture), 3)
            self._given["colours"] = colours = self._g.add(
                "Where", stirred, colours, self._in["colours"]
            )
            tiles = self._tinted(tiles, colours)
        elif self._plan.colour == "duo":
            tiles = self._in_two_colours(tiles)
        self._given["mosaic"] = self._joined(tiles)
        if self._plan.tile_set.tone:
            self._given["means"] = self._means(seen).tensor
        if self._plan.judged:
            self._given["judgement"] = self._g.add("Concat", *self._judged, axis=0)

    def _reduced(self) -> Pixels:
        """The frame at the pixels of the patches; see `Reduction.reduce`."""
        g, grid, (width, height) = self._g, self._plan.grid, self._plan.frame_size
        planes = g.add("Transpose", g.cast(self._in["frame"], np.float32), perm=[2, 0, 1])
        frame = Pixels(g.reshape(planes, 1, 3, height, width), 3, (width, height))
        kept = grid.cropped(self._plan.frame_size)
        side = self._plan.tile_set.patch_size
        target = (grid.columns * side, grid.rows * side)
        coarse = pictures.coarsen(g, pictures.crop(g, frame, kept), target)
        return pictures.resize(g, coarse, target)

    def _seen(self, picture: Pixels) -> Pixels:
        grey = self._plan.tile_set.patch_channels == 1
        return pictures.luminance(self._g, picture) if grey else picture

    def _means(self, picture: Pixels) -> Pixels:
        return pictures.shrink(self._g, picture, (self._plan.grid.columns, self._plan.grid.rows))

    def _cells(self, picture: Pixels, channels: int) -> str:
        """A picture of one pixel a cell as [N, C]."""
        line = self._g.reshape(picture.tensor, channels, self._plan.grid.count)
        return self._g.add("Transpose", line, perm=[1, 0])

    def _stirred(self, picture: Pixels) -> str:
        """Which cells to encode, [N, 1] bool; see `Stabiliser.stirred`."""
        g, grid = self._g, self._plan.grid
        rows, columns, channels = grid.rows, grid.columns, picture.channels
        glance = pictures.shrink(g, picture, (2 * columns, 2 * rows))
        away = g.add("Abs", g.add("Sub", glance.tensor, self._in["seen"]))
        moved = pictures.pool(g, away, 2, 2)
        if channels > 1:
            moved = g.add("Max", *(g.cut(moved, 1, at, at + 1) for at in range(channels)))
        stirred = g.add("Greater", moved, self._number["patience"])
        blocks = (channels, rows, 2, columns, 2)
        kept = g.add(
            "Where",
            g.reshape(stirred, 1, rows, 1, columns, 1),
            g.reshape(glance.tensor, *blocks),
            g.reshape(self._in["seen"], *blocks),
        )
        self._given["seen"] = g.reshape(kept, 1, channels, 2 * rows, 2 * columns)
        return g.reshape(stirred, grid.count, 1)

    def _encoded(self, seen: Pixels) -> str:
        """The regressor's latents of all cells, [N, D]; see `Grid.cells` and `Codec.encode`."""
        g, grid, side = self._g, self._plan.grid, self._plan.tile_set.patch_size
        blocks = g.reshape(seen.tensor, seen.channels, grid.rows, side, grid.columns, side)
        cells = g.add("Transpose", blocks, perm=[1, 3, 0, 2, 4])
        patches = g.reshape(cells, grid.count, seen.channels, side, side)
        patches = g.add("Mul", patches, np.float32(1 / 255))
        ports = regressor_ports(self._plan.tile_set)
        return self._run(self._regressor, ports, patches=patches, **self._wish())

    def _wish(self) -> dict[str, str]:
        """What the regressor is told besides; see `Taste.wish`."""
        g, tile_set, held = self._g, self._plan.tile_set, self._in["held"]
        if not tile_set.kinds:
            return {}
        kind = g.add("Floor", g.add("Mul", g.cut(held, 1, 0, 1), float(tile_set.kinds)))
        same = g.add("Equal", kind, np.arange(tile_set.kinds, dtype=np.float32)[None])
        loyal = g.add("Mul", self._number["loyalty"], LOYALTY)
        taste = g.add("Mul", self._in["noise"], self._number["taste"])
        bonus = g.add("Mul", g.cast(same, np.float32), loyal)
        wish = {
            "taste": g.add("Add", taste, bonus),
            "forgiveness": self._number["forgiveness"],
        }
        if tile_set.tone:
            last = g.cut(held, 1, tile_set.latents - 1, tile_set.latents)
            loyal = g.add("Mul", self._number["loyalty"], POLARITY_LOYALTY)
            side = g.add("Where", g.add("Greater", last, 0.5), loyal, g.add("Neg", loyal))
            line = g.add("Add", self._in["dither"], self._number["shift"])
            wish["polarity"] = g.add("Add", line, g.reshape(side, self._plan.grid.count))
        return wish

    def _varied(self, latents: str) -> str:
        """Latents whose styles differ from their neighbours'; see `Taste.vary`."""
        g, tile_set = self._g, self._plan.tile_set
        if not (tile_set.kinds and tile_set.styles):
            return latents
        end = tile_set.shape_latents
        reach = g.add("Mul", self._spread(latents), self._number["variety"])
        offset = g.add("Mul", self._in["offsets"], reach)
        style = g.add("Abs", g.add("Add", g.cut(latents, 1, 1, end), offset))
        style = g.add("Sub", 1.0, g.add("Abs", g.add("Sub", 1.0, style)))
        parts = [g.cut(latents, 1, 0, 1), style]
        if end < tile_set.latents:
            parts.append(g.cut(latents, 1, end, tile_set.latents))
        return g.add("Concat", *parts, axis=1)

    def _spread(self, latents: str) -> str:
        g, slopes, (near, far) = self._g, self._plan.tile_set.slopes, STYLE_SPREAD
        if slopes.start == slopes.stop:
            return g.constant([near])
        steep = g.add("Abs", g.add("Sub", g.cut(latents, 1, slopes.start, slopes.stop), 0.5))
        both = g.add("Mul", g.total(steep, [1], keep=True), 1 / STEEP)
        flatness = g.add("Max", g.add("Sub", 1.0, both), 0.0)
        return g.add("Add", g.add("Mul", flatness, far - near), near)

    def _kept(self, stirred: str, latents: str) -> str:
        """The latents to show, [N, D]; see `Stabiliser.keep`."""
        g, held = self._g, self._in["held"]
        bounds = g.add("Mul", self._number["firmness"], tolerances(self._plan.tile_set)[None])
        moved = g.add("Greater", g.add("Abs", g.add("Sub", latents, held)), bounds)
        many = g.total(g.cast(moved, np.float32), [1], keep=True)
        # Not only far moves: nothing is far from what is no number, should that ever be held.
        none_kept = g.add("Less", self._number["firmness"], 0.0)
        changed = g.add("Or", g.add("Greater", many, 0.0), none_kept)
        changed = g.add("And", stirred, changed)
        return g.add("Where", changed, latents, held)

    def _levels(self, latents: str) -> str:
        """Tiles [N, T, T, C] float32, whole levels; see `Codec.decode`."""
        g, grid, tile_set = self._g, self._plan.grid, self._plan.tile_set
        side = grid.tile_size
        pixels = g.constant((np.arange(side) + 0.5) / side)
        tiles = self._run(self._decoder, decoder_ports(tile_set), latents=latents, pixels=pixels)
        levels = g.add("Round", g.add("Mul", tiles, 255.0))
        return g.reshape(levels, grid.count, side, side, tile_set.channels)

    def _tinted(self, tiles: str, colours: str) -> str:
        """Tiles [N, T, T, 3] in the colours of their cells; see `colour.tint`."""
        g, count, side = self._g, self._plan.grid.count, self._plan.grid.tile_size
        mean = g.add("Div", g.total(tiles, [1, 2]), float(side * side))
        up = g.add("Div", colours, g.add("Max", mean, 1.0))
        room = g.add("Max", g.add("Sub", 255.0, mean), 1.0)
        down = g.add("Div", g.add("Sub", 255.0, colours), room)
        slope = g.add("Max", g.add("Min", g.add("Min", up, down), 1.0), 0.0)
        slope = g.add("Round", g.add("Mul", slope, 256.0))
        wanted = g.add("Add", g.add("Mul", colours, 256.0), 128.0)
        offset = g.add("Round", g.add("Sub", wanted, g.add("Mul", slope, mean)))
        most = g.add("Sub", 65535.0, g.add("Mul", slope, 255.0))
        offset = g.add("Max", g.add("Min", offset, most), 0.0)
        each = (count, 1, 1, 3)
        words = g.add("Mul", tiles, g.reshape(slope, *each))
        words = g.add("Add", words, g.reshape(offset, *each))
        return g.add("Floor", g.add("Mul", words, 1 / 256))

    def _in_two_colours(self, tiles: str) -> str:
        """Tiles [N, T, T, 3] between two colours; see `colour.duo_table`."""
        g, ends = self._g, self._in["ends"]
        first, last = (g.reshape(g.cut(ends, 0, at, at + 1), 3) for at in (0, 1))
        share = g.add("Div", tiles, 255.0)
        return g.add("Round", g.add("Add", first, g.add("Mul", share, g.add("Sub", last, first))))

    def _joined(self, tiles: str) -> str:
        """Tiles side by side, cut to size; see `Grid.join`."""
        g, grid, side = self._g, self._plan.grid, self._plan.grid.tile_size
        coloured = self._plan.colour != "mono" or self._plan.tile_set.channels == 3
        channels = 3 if coloured else 1
        blocks = g.reshape(g.cast(tiles, np.uint8), grid.rows, grid.columns, side, side, channels)
        lines = g.add("Transpose", blocks, perm=[0, 2, 1, 3, 4])
        whole = (grid.columns * side, grid.rows * side)
        mosaic = g.reshape(lines, whole[1], whole[0], channels)
        for axis, (length, kept) in enumerate(zip(whole[::-1], grid.size[::-1], strict=True)):
            if kept < length:
                start = (length - kept) // 2
                mosaic = g.cut(mosaic, axis, start, start + kept)
        return mosaic if coloured else g.add("Concat", mosaic, mosaic, mosaic, axis=2)

    def _run(self, network: Any, ports: Ports, **inputs: str) -> str:
        """What a network makes of all cells, part by part."""
        g, made = self._g, []
        for start, end in parts(self._plan.grid.count, self._plan.parts):
            given = dict(inputs)
            for name, shape in ports.inputs.items():
                if self._plan.parts > 1 and shape[0] == COUNT:
                    given[name] = g.cut(inputs[name], 0, start, end)
            made.append(g.lay(network, ports.output, given))
        result = g.add("Concat", *made, axis=0) if len(made) > 1 else made[0]
        self._judge(result)
        return result

    def _judge(self, result: str) -> None:
        """Note how many numbers are out of range, and the sum, which any that is none spoils."""
        if not self._plan.judged:
            return
        g = self._g
        flat = g.reshape(result, -1)
        away = g.add("Abs", g.add("Sub", flat, 0.5))
        wrong = g.cast(g.add("Greater", away, 0.5 + ROUNDING), np.float32)
        self._judged += [g.total(wrong, [0], keep=True), g.total(flat, [0], keep=True)]
