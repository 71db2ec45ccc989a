"""The networks of a tile set merged into one graph, those of strangers after they were vetted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from realtime.arrays import Size, parts
from realtime.bounds import Bounds
from realtime.errors import UserError
from realtime.grid import Grid
from realtime.guarded import vetted
from realtime.onnx_graph import without_unique
from realtime.ports import decoder_ports, regressor_ports
from realtime.tileset import TileSet
from realtime.whole_graph import Plan, build


def merge(tile_set: TileSet, grid: Grid, frame_size: Size, colour: str) -> tuple[Plan, Any]:
    """Make the graph of a filter.

    Args:
        tile_set: whose networks to take.
        grid: of the mosaics.
        frame_size: (width, height) of the frames.
        colour: "mono", "tint" or "duo".

    Returns:
        What it is made for, and its `onnx.ModelProto`.

    Raises:
        UserError: a network of a stranger is not let through, or takes too much, or the two do
            not go together.
    """
    plan = Plan(tile_set, grid, frame_size, colour)
    if tile_set.shipped:
        networks = [_read(tile_set, name) for name in ("regressor.onnx", "decoder.onnx")]
        networks = [without_unique(network, grid.count) for network in networks]
    else:
        plan, networks = _vetted(plan)
    regressor, decoder = networks
    found = [network.opset_import[0].version for network in networks]
    if found[0] != found[1]:
        raise UserError(
            f"{tile_set.folder}: the networks are of operator sets {found[0]} and {found[1]}, "
            "which only --provider cpu takes: export them together"
        )
    return plan, build(plan, regressor, decoder)


def _read(tile_set: TileSet, file: str) -> Any:
    import onnx

    return onnx.ModelProto.FromString(tile_set.read(file))


def _vetted(plan: Plan) -> tuple[Plan, list[Any]]:
    """Vet both networks, and plan to run them in parts as large as they are let through."""
    tile_set, networks, most = plan.tile_set, [], 1
    ports = {"regressor.onnx": regressor_ports, "decoder.onnx": decoder_ports}
    for file, ports_of in ports.items():
        content = tile_set.read(file)
        network, bounds = vetted(tile_set.folder / file, content, ports_of(tile_set))
        most = max(most, _parts(bounds, plan.grid))
        networks.append(network)
    return replace(plan, parts=most, judged=True), networks


def _parts(bounds: Bounds, grid: Grid) -> int:
    """In how few parts the bounds let so many tiles through.

    Raises:
        UserError: in none.
    """
    for number in _doubled(grid.count):
        sizes = {end - start for start, end in parts(grid.count, number)}
        try:
            for size in sizes:
                bounds.check(size, grid.tile_size)
        except UserError:
            if number == grid.count:
                raise
        else:
            return number
    raise AssertionError("the last number is that of the tiles")


def _doubled(most: int) -> Iterator[int]:
    """1, 2, 4 and so on, and `most` in the end."""
    number = 1
    while number < most:
        yield number
        number *= 2
    yield most
