"""What the networks of a tile set take and give: names and shapes, as `tileset.json` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from realtime.tileset import TileSet

COUNT, SIDE = "count", "side"
"""Dimensions that change from run to run: how many tiles, and the pixels along their side."""

Dimension = int | str
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Ports:
    """The tensors at the ends of a network, all float32.

    Attributes:
        inputs: shapes by name, in order, of numbers, `COUNT` and `SIDE`.
        output: name of the one that comes out.
        given: its shape.
    """

    inputs: Mapping[str, tuple[Dimension, ...]]
    output: str
    given: tuple[Dimension, ...]


def decoder_ports(tile_set: TileSet) -> Ports:
    """Latents [N, D] and pixel centres [T] -> tiles [N, T, T] or [N, T, T, 3]."""
    inputs = {"latents": (COUNT, tile_set.latents), "pixels": (SIDE,)}
    colours = () if tile_set.channels == 1 else (tile_set.channels,)
    return Ports(inputs, "tiles", (COUNT, SIDE, SIDE, *colours))


def regressor_ports(tile_set: TileSet) -> Ports:
    """Patches [N, C, P, P], and what is wished of kinds where there are some -> latents [N, D]."""
    side = tile_set.patch_size
    inputs: dict[str, tuple[Dimension, ...]] = {
        "patches": (COUNT, tile_set.patch_channels, side, side)
    }
    if tile_set.kinds:
        inputs["taste"] = (COUNT, tile_set.kinds)
        inputs["forgiveness"] = (1,)
        if tile_set.tone:
            inputs["polarity"] = (COUNT,)
    return Ports(inputs, "latents", (COUNT, tile_set.latents))


def sized(shape: tuple[Dimension, ...], count: int, side: int) -> Shape:
    """Return a shape in numbers, for `count` tiles of `side` pixels."""
    known = {COUNT: count, SIDE: side}
    return tuple(known[length] if isinstance(length, str) else length for length in shape)
